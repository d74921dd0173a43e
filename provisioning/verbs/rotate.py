"""rotate: exchanges a cache's token, in two steps with the hosts in between."""

from __future__ import annotations

from provisioning.client_errors import translated_errors
from provisioning.discovery import Snapshot
from provisioning.errors import ProvisioningError
from provisioning.lock import environment_lock
from provisioning.model import Found, Key, Want
from provisioning.resources.cache_token import rotate_token, settle_token
from provisioning.run import Run

NEXT = "Run site.yml, which gives it to the hosts, then rotate {name} --finish."


def rotate(run: Run, *, cache: str, finish: bool) -> int:
    """Returns 0. Raises ProvisioningError for a cache without a token, or that isn't ready."""
    if run.adjustments.asleep:
        raise ProvisioningError(
            "The environment is asleep: no host can get another token.", todo="Run wake first."
        )
    want = _wanted(run, cache)
    path = want.hidden["auth_token"].name
    secret = next(one for one in run.wants if one.key == Key("secret", path))
    with environment_lock(run.cloud), translated_errors(f"rotate {cache}"):
        found, _ = run.examine()
        store, stored = _existing(found, want.key), _existing(found, secret.key)
        if finish:
            settle_token(run.cloud, store, stored.id)
            run.show.say(f"{cache} accepts the new token only.")
        else:
            rotate_token(run.cloud, store, stored.id, length=secret.hidden["length"])
            run.show.say(f"{cache} accepts both tokens. {NEXT.format(name=cache)}")
    run.show.answer({"cache": cache, "finished": finish})
    return 0


def _wanted(run: Run, cache: str) -> Want:
    with_token = {
        want.name: want
        for want in run.wants
        if want.kind == "cache-group" and "auth_token" in want.hidden
    }
    if cache not in with_token:
        known = ", ".join(sorted(with_token)) or "none"
        raise ProvisioningError(f"{cache!r} is no cache with a token.", todo=f"Known: {known}.")
    return with_token[cache]


def _existing(found: Snapshot, key: Key) -> Found:
    if key not in found or not found[key].ready:
        raise ProvisioningError(f"{key} isn't there, or not ready.", todo="Run apply first.")
    return found[key]
