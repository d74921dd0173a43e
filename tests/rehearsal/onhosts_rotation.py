"""Every secret that `operate.yml -e verb=rotate` exchanges, while people claim: nothing is refused,
what was made before stays valid, and what is ended is refused."""

from __future__ import annotations

import json
import secrets
import urllib.request
from functools import partial
from urllib.parse import urlsplit

from tests.rehearsal import onhosts, onhosts_releases, onhosts_verbs, stores
from tests.rehearsal.deployment import Deployment
from tests.rehearsal.people import sign_people
from tests.rehearsal.record import Record, Wrong

# A session; and whether it is still an operator's by the host's settings, with the key that its
# browser has from then on: Django gives a session that a former key signed another one.
BEGIN_SESSION = """
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
user = get_user_model().objects.create_superuser("jun", "jun@shop.example", None)
session = SessionStore()
session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session.save()
print("session", session.session_key)
"""
ASK_SESSION = """
from types import SimpleNamespace
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
session = SessionStore({key!r})
known = get_user(SimpleNamespace(session=session)).is_authenticated
session.save()
print("user", known, session.session_key)
"""


def rotate_django(it: Deployment, record: Record) -> None:
    with record.step("rotate django_secret_key while people claim: sessions go on") as step:
        key = _shell(it, BEGIN_SESSION).split()[-1]
        step.found = _exchanged(it, "django_secret_key", "begin")
        key = _renewed_session(it, key)
        _exchanged(it, "django_secret_key", "finish")
        _renewed_session(it, key)


def _renewed_session(it: Deployment, key: str) -> str:
    """The key that the session has now. Raises Wrong if it has ended."""
    known, renewed = _shell(it, ASK_SESSION.format(key=key)).split()[-2:]
    if known != "True":
        raise Wrong("the session of an operator has ended")
    if _shell(it, ASK_SESSION.format(key="x" * 32)).split()[-2] != "False":
        raise Wrong("any session is an operator's: this proves nothing")
    return renewed


def rotate_coupons(it: Deployment, record: Record) -> None:
    with record.step("rotate coupon_code_key while people claim: receipts stay valid") as step:
        slug, _ = it.sales.schedule(stock=2)
        before = _receipt_of(it, slug, "before")
        step.found = _exchanged(it, "coupon_code_key", "begin")
        fresh, _ = it.sales.schedule(stock=2)
        receipts = [before, _receipt_of(it, slug, "after"), _receipt_of(it, fresh, "fresh")]
        said = [_verified(it, receipt) for receipt in receipts]
        forged = _verified(it, before[:-8] + "AAAAAAAA")
        if said != [True, True, True] or forged:
            raise Wrong(f"genuine: {said}; a forged one: {forged}")
        if "k2:" not in _setting(it, "COUPON_KEYS"):
            raise Wrong("no host has the new key")


def rotate_tokens(it: Deployment, record: Record) -> None:
    with record.step("rotate user_token_key while people claim; then the former is ended") as step:
        former = it.sales.token_key()
        summaries = [_exchanged(it, "user_token_key", "begin")]
        slug, _ = it.sales.schedule(stock=9)
        accepted = [_claimed(it, slug, key) for key in (former, it.sales.token_key())]
        summaries.append(_exchanged(it, "user_token_key", "finish"))
        ended = [_claimed(it, slug, key) for key in (former, it.sales.token_key())]
        step.found = f"{'; '.join(summaries)}; afterwards the former: {ended[0]}"
        if accepted != [202, 202] or ended != [401, 202]:
            raise Wrong(f"former and new: {accepted} meanwhile, {ended} afterwards")


def rotate_flower(it: Deployment, record: Record) -> None:
    with record.step("rotate flower_password, then revoke it") as step:
        for how in ("begin", "revoke"):
            former = stores.read_secret(it.account, "flower-password")
            step.found = _exchanged(it, "flower_password", how, claiming=False)
        host = it.of_role("consumer")[0]
        asked = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}")
        page = f"http://{it.here.topology.role('consumer')[0].address}:5555/"
        new = stores.read_secret(it.account, "flower-password")
        said = [host.run(*asked, "-u", f"flower:{word}", page).stdout for word in (former, new)]
        step.found = f"the former {said[0]}, the new one {said[1]}"
        if said != ["401", "200"]:
            raise Wrong(step.found)


def rotate_stores(it: Deployment, record: Record) -> None:
    """On a host whose stores are ours. Its only api host is replaced, so nobody claims meanwhile:
    tests/infra/test_store_passwords.py has the crowd."""
    kinds = {
        "redis_password": "REDIS_URL", "database_app_password": "DATABASE_URL",
        "database_owner_password": "MIGRATIONS_DATABASE_URL",
    }  # fmt: skip
    with record.step("rotate the stores' passwords: begin, finish, revoke") as step:
        ended = []
        for secret, name in kinds.items():
            for how in ("begin", "finish", "revoke"):
                former = _store_url(it, name)
                _exchanged(it, secret, how, claiming=False)
                if how != "finish":
                    ended.append(former)
            if _store_accepts(it, ended[-1]) or _store_accepts(it, ended[-2]):
                raise Wrong(f"a former value of {secret} is accepted")
            if not _store_accepts(it, _store_url(it, name)):
                raise Wrong(f"the new value of {secret} is refused")
        step.found = f"{len(ended)} former ones refused, the {len(kinds)} new ones accepted"


def _store_url(it: Deployment, name: str) -> str:
    file = "migrations.env" if name.startswith("MIGRATIONS") else "app.env"
    line = it.of_role("api")[0].run("grep", f"^{name}=", f"/etc/coupon/{file}").stdout
    return line.strip().partition("=")[2].strip("'")


def _store_accepts(it: Deployment, url: str) -> bool:
    host, parts = it.of_role("api")[0], urlsplit(url)
    if parts.scheme == "redis":
        return host.run("redis-cli", "-u", url, "PING").stdout.strip() == "PONG"
    login = (f"-h{parts.hostname}", f"-P{parts.port}", f"-u{parts.username}", f"-p{parts.password}")
    return host.run("mariadb", *login, "-e", "SELECT 1").returncode == 0


def _exchanged(it: Deployment, secret: str, how: str, *, claiming: bool = True) -> str:
    """Run the verb, usually while people claim. Returns a sentence. Raises Wrong if any failed."""
    verb = partial(
        it.books.run, "operate", verb="rotate", secret=secret, step=how,
        log=f"operate-rotate-{secret}-{how}",
    )  # fmt: skip
    if claiming:
        return onhosts_releases.while_people_claim(it, verb)
    onhosts.insist_on_recap(verb())
    return ""


def _claimed(it: Deployment, slug: str, key: str) -> int:
    """The status of a claim whose token is signed with this key."""
    [(_, token)] = sign_people(key, f"rotated-{secrets.token_hex(4)}", 1)
    return onhosts_verbs.status_of_claim(it, slug, token)


def _receipt_of(it: Deployment, slug: str, prefix: str) -> str:
    [(_, token)] = it.sales.people(1, f"{slug}-{prefix}")
    answer = _posted(it, f"{it.sales.url_of(slug)}/claims", token, {})
    return str(answer["receipt"])


def _verified(it: Deployment, receipt: str) -> bool:
    [(_, token)] = it.sales.people(1, "verifier")
    url = f"{it.sales.url}/api/v1/receipts/verify"
    return bool(_posted(it, url, token, {"receipt": receipt})["genuine"])


def _posted(it: Deployment, url: str, token: str, body: dict[str, str]) -> dict[str, object]:
    request = urllib.request.Request(
        url, method="POST", data=json.dumps(body).encode() if body else None,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=10) as answer:
        return dict(json.loads(answer.read()))


def _shell(it: Deployment, code: str) -> str:
    """What manage.py's shell prints on an api host."""
    host = it.of_role("api")[0]
    done = host.run("/usr/local/bin/coupon-manage", "shell", "--no-imports", "-c", code)
    if done.returncode:
        raise Wrong(f"{host.name}: {done.stderr[-500:]}")
    return done.stdout


def _setting(it: Deployment, name: str) -> str:
    return it.of_role("api")[0].run("grep", f"^{name}=", "/etc/coupon/app.env").stdout
