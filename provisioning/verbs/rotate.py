"""rotate: exchanges a cache's token, or its users' passwords, in two steps with the hosts in
between."""

from __future__ import annotations

from provisioning.client_errors import translated_errors
from provisioning.discovery import Snapshot
from provisioning.errors import ProvisioningError
from provisioning.lock import environment_lock
from provisioning.model import Found, Key, Want
from provisioning.resources.cache_token import rotate_token, settle_token
from provisioning.resources.cache_user_passwords import rotate_passwords, settle_passwords
from provisioning.run import Run

NEXT = "Run site.yml, which gives them to the hosts, then rotate {name} --finish."


def rotate(run: Run, *, cache: str, finish: bool) -> int:
    """Returns 0. Raises ProvisioningError for a cache without passwords, or that isn't ready."""
    if run.adjustments.asleep:
        raise ProvisioningError(
            "The environment is asleep: no host can get another password.", todo="Run wake first."
        )
    want = _wanted(run, cache)
    path = want.hidden["auth_token"].name
    secret = next(one for one in run.wants if one.key == Key("secret", path))
    with environment_lock(run.cloud), translated_errors(f"rotate {cache}"):
        found, _ = run.examine()
        store, stored = _existing(found, want.key), _existing(found, secret.key)
        length = secret.hidden["length"]
        if store.shows["users"]:
            _rotate_users(run, store, _users_of(store, found), stored.id, length, finish=finish)
        else:
            _rotate_token(run, store, stored.id, length, finish=finish)
    run.show.answer({"cache": cache, "finished": finish})
    return 0


def _rotate_token(run: Run, store: Found, path: str, length: int, *, finish: bool) -> None:
    if finish:
        settle_token(run.cloud, store, path)
        run.show.say(f"{store.name} accepts the new token only.")
    else:
        rotate_token(run.cloud, store, path, length=length)
        run.show.say(f"{store.name} accepts both tokens. {NEXT.format(name=store.name)}")


def _rotate_users(
    run: Run, store: Found, users: tuple[Found, ...], path: str, length: int, *, finish: bool
) -> None:
    if finish:
        settle_passwords(run.cloud, store, users, path)
        run.show.say(f"{store.name}'s users have the new passwords only.")
    else:
        rotate_passwords(run.cloud, store, users, path, length=length)
        run.show.say(f"{store.name}'s users have two passwords. {NEXT.format(name=store.name)}")


def _users_of(store: Found, found: Snapshot) -> tuple[Found, ...]:
    """The users in the cache's group. Raises ProvisioningError if the group isn't there."""
    group = _existing(found, Key("cache-user-group", store.props["users"]))
    return tuple(_existing(found, Key("cache-user", id)) for id in sorted(group.props["users"]))


def _wanted(run: Run, cache: str) -> Want:
    with_token = {
        want.name: want
        for want in run.wants
        if want.kind == "cache-group" and "auth_token" in want.hidden
    }
    if cache not in with_token:
        known = ", ".join(sorted(with_token)) or "none"
        raise ProvisioningError(
            f"{cache!r} is no cache with a token or users.", todo=f"Known: {known}."
        )
    return with_token[cache]


def _existing(found: Snapshot, key: Key) -> Found:
    if key not in found or not found[key].ready:
        raise ProvisioningError(f"{key} isn't there, or not ready.", todo="Run apply first.")
    return found[key]
