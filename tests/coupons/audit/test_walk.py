"""Every verb of admin, merchants' API and commands is done for real, and leaves an event
that says who, when and from where. A verb without its line here fails, and so does one whose only
row says no more than that something was sent.
"""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command, get_commands
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone

from coupons import store
from coupons.audit import trail
from coupons.campaigns import lifecycle
from coupons.models import Act, AuditEvent, Campaign, Coupon, CouponEvent, Scope, Undoable
from coupons.operations import approvals
from coupons.runtime import runtime
from tests.admin.test_rights import CLOSED, OFFERED, PUBLIC, admin_names
from tests.authorization.cast import SALE, World, make_world
from tests.authorization.routes import Route, body_of, every_route, query_of
from tests.harness import disposable

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

_numbers = count(1)
# Rows that every request and command leaves: a verb's own says more.
_PLAIN = {Act.SENT, Act.REFUSED}


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    runtime.start_fresh()
    disposable.empty_redis(store.store().client)
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def fresh_runtime() -> None:
    """The module's world stays, in Redis too."""


@pytest.fixture(autouse=True)
def taken_back(world: World) -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def rows_of(request_id: str) -> list[AuditEvent | CouponEvent]:
    """Rows of this request that say what was done."""
    acts = AuditEvent.objects.filter(request_id=request_id).exclude(verb__in=_PLAIN)
    return [*acts, *CouponEvent.objects.filter(request_id=request_id)]


def demand_event(rows: list[Any], *, by: str) -> None:
    assert rows, "no event says what was done"
    for row in rows:
        assert row.at is not None
        assert row.address
        assert by in row.actor, (row.actor, by)


# The merchants' API

Views = dict[tuple[str, str], Any]


def writing_routes() -> Views:
    """(route, method) of every endpoint that changes something."""
    found: Views = {}
    resolver: Any = get_resolver("config.urls.every")
    for start, pattern in _merchants_patterns(resolver.url_patterns, ""):
        view = pattern.callback.view_class
        for method, scope in view.scopes.items():
            if method != "GET" and scope != Scope.READ:
                found[start, method] = view
    return found


def _merchants_patterns(patterns: list[Any], before: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _merchants_patterns(pattern.url_patterns, route)
        elif route.startswith("api/v1/merchant/") and hasattr(pattern.callback, "view_class"):
            yield route, pattern


def _ask(world: World, method: str, path: str, body: Any, request_id: str = "") -> Any:
    kind = "application/jsonl" if isinstance(body, bytes) else "application/json"
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body)
    number = next(_numbers)
    headers = {
        "Idempotency-Key": f"walk-{number}", "If-Match": "*",
        "X-Request-Id": request_id or f"before-{number}",
    }  # fmt: skip
    return world.cast["books"].generic(method, path, content, kind, headers=headers)


_ROOT = "/api/v1/merchant/"


def _release(world: World) -> None:
    _ask(world, "DELETE", f"{_ROOT}reservations/{world.known['reservation']}", None)


def _revoke(world: World) -> None:
    _release(world)
    body = {"code": world.known["code"], "reason": "fraud"}
    assert _ask(world, "POST", f"{_ROOT}coupons/revoke", body).status_code == 200


def _draft(world: World) -> None:
    now = timezone.now()
    body = {
        "slug": "next", "name": "Next", "stock": 1, "valid_days": 1, "discount_value": "10",
        "opens_at": (now + timedelta(hours=1)).isoformat(),
        "closes_at": (now + timedelta(hours=2)).isoformat(),
    }  # fmt: skip
    assert _ask(world, "POST", f"{_ROOT}campaigns", body).status_code == 201


def _pause(world: World) -> None:
    assert _ask(world, "POST", f"{_ROOT}campaigns/{SALE}/pause", None).status_code == 200


# What comes before a verb, so that it is allowed.
BEFORE: dict[str, Callable[[World], None]] = {
    "reservations": _release, "redemptions": _release, "coupons/revoke": _release,
    "coupons/<int:coupon>/undo-revoke": _revoke, "campaigns/<str:slug>/schedule": _draft,
    "campaigns/<str:slug>": _draft,
    "campaigns/<str:slug>/resume": _pause,
}  # fmt: skip
ELSEWHERE = {
    "campaigns/<str:slug>/schedule": f"{_ROOT}campaigns/next/schedule",
    "campaigns/<str:slug>": f"{_ROOT}campaigns/next",
}


@pytest.mark.parametrize(("pattern", "method"), sorted(writing_routes()))
def test_a_verb_of_the_merchants_api_leaves_an_event(
    world: World, pattern: str, method: str
) -> None:
    name, route = pattern.removeprefix("api/v1/merchant/"), _route(world, pattern)
    if name in BEFORE:
        BEFORE[name](world)
    request_id = f"walk.{next(_numbers)}"
    query = f"?since={timezone.now():%Y-%m-%dT00:00:00Z}" if "replay" in name else query_of(route)
    path = ELSEWHERE.get(name, route.path) + query
    answer = _ask(world, method, path, body_of(route, method, world), request_id)
    assert answer.status_code < 300, answer.content
    demand_event(rows_of(request_id), by=world.known["prefix"])


def _route(world: World, pattern: str) -> Route:
    return next(route for route in every_route(world) if route.pattern == pattern)


def test_an_endpoint_without_a_row_of_its_own_would_be_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: without the watched models the endpoint's row says no more than SENT."""
    monkeypatch.setattr(trail, "record_act", lambda *args, **more: None)
    body = {"url": "https://hooks.example.com/control"}
    assert _ask(world, "POST", f"{_ROOT}webhooks", body, "walk.control").status_code == 201
    assert rows_of("walk.control") == []


# Commands


def our_commands() -> set[str]:
    """Names in coupons/management/commands."""
    return {name for name, app in get_commands().items() if app == "coupons"}


def _lines(folder: Path) -> str:
    file = folder / "users.csv"
    file.write_text("user\nmina\n")
    return str(file)


Given = Callable[[World, Path], list[str]]
# Command → its arguments; each is a run that changes something.
COMMANDS: dict[str, list[Given]] = {
    "campaign": [
        lambda world, folder: ["pause", SALE],
        lambda world, folder: ["stock", SALE, "--stock", "12"],
    ],
    "definitions": [lambda world, folder: ["--constrain"]],
    "expire_coupons": [lambda world, folder: []],
    "merchant": [
        lambda world, folder: ["create", "bistro"],
        lambda world, folder: ["key", "books", "--scopes", "read"],
        lambda world, folder: ["roll", world.known["prefix"]],
        lambda world, folder: ["revoke", world.known["prefix"], "--yes"],
    ],
    "new_campaign": [lambda world, folder: ["brunch", "--yes"]],
    "operator": [
        lambda world, folder: ["sora", "--role", "viewer"],
        lambda world, folder: ["viewer", "--link"],
        lambda world, folder: ["viewer", "--reset-totp"],
    ],
    "readiness": [lambda world, folder: [SALE, "--override", "on purpose"]],
    "rebuild": [lambda world, folder: [SALE]],
    "reconcile": [lambda world, folder: [SALE, "--repair"]],
    "revoke": [
        lambda world, folder: [SALE, _lines(folder), "--reason", "fraud", "--yes"],
    ],
    "unlock": [lambda world, folder: ["--all"]],
    "upgrade_redis": [lambda world, folder: []],
    "user_token": [lambda world, folder: ["ann"]],
}
# They change nothing, or are done where this test can't: with the reason.
NOT_WALKED = {
    "check": "reads", "plan_capacity": "reads", "verify_receipt": "reads",
    "grant": "has a durable transaction of its own; the job's rows are as of `revoke`",
    "dress_rehearsal": "takes a crowd and a minute; its events are of log.record_event",
    "proof_report": "needs a closed campaign; a command's own row, as of `user_token`",
    "notify": "sends a message to people: a command's own row, as of `user_token`",
    "flower": "starts a program", "runserver": "starts a program",
    "migrate": "changes tables: the database's user for that is in its server's log",
    "honour_receipt": "needs a lost claim: the verb's row is tested with the admin's",
    "replay_parked": "needs a parked claim: the verb's row is tested with the admin's",
    "prove": "needs a closed campaign: tests/coupons/proof; it calls log.record_event",
}  # fmt: skip


def test_every_command_is_walked_or_says_why_not() -> None:
    assert our_commands() == COMMANDS.keys() | NOT_WALKED.keys()
    assert not COMMANDS.keys() & NOT_WALKED.keys()


@pytest.mark.parametrize(
    ("name", "given"),
    [pytest.param(name, run, id=f"{name}-{number}")
     for name, runs in COMMANDS.items() for number, run in enumerate(runs)],
)  # fmt: skip
def test_a_command_leaves_an_event(world: World, tmp_path: Path, name: str, given: Given) -> None:
    newest = AuditEvent.objects.latest("id").pk
    call_command(name, *given(world, tmp_path))
    rows = list(AuditEvent.objects.filter(pk__gt=newest, actor_kind="command"))
    demand_event(rows, by="@")


# The admin


def admin_verbs() -> set[tuple[str, str]]:
    """(name of the URL, verb) of every page of the admin, from its URLs."""
    patterns: Any = admin.site.get_urls()
    names = {name for name in admin_names(patterns) if name not in PUBLIC}
    return {(str(name), verb) for name in names for verb in OFFERED.get(str(name), [""])}


Doing = Callable[[Client, World, dict[str, str]], Any]


def _post(page: str, /, *keys: str, **form: Any) -> Doing:
    """A POST to the page of `keys`: names in the world's `known`, or words."""

    def do(client: Client, world: World, headers: dict[str, str]) -> Any:
        values = [world.known.get(key, key) for key in keys]
        if "merchant" in form:
            form["merchant"] = str(world.known["merchant"])
        return client.post(reverse(f"admin:{page}", args=values), form, headers=headers)

    return do


def _verb(page: str, key: str, verb: str, /, *before: Doing, **form: Any) -> Doing:
    def do(client: Client, world: World, headers: dict[str, str]) -> Any:
        for earlier in before:
            earlier(client, world, {})
        return _post(page, key, verb, **form)(client, world, headers)

    return do


def _of_coupon(verb: str, *before: Doing, **form: Any) -> Doing:
    return _verb("coupons_coupon_do", "coupon", verb, *before, reason="a complaint", **form)


def _fresh(*steps: str) -> Doing:
    """A campaign of its own, for Redis keeps what earlier tests have done to the sale."""

    def make(client: Client, world: World, headers: dict[str, str]) -> None:
        slug = f"fresh-{next(_numbers)}"
        opens = timezone.now() + timedelta(hours=1)
        drafted = Campaign(
            slug=slug, name="Fresh", stock=3, discount_value=10, valid_days=3,
            opens_at=opens, closes_at=opens + timedelta(hours=1),
        )  # fmt: skip
        lifecycle.save_draft(drafted, actor="before")
        for step in steps:
            getattr(lifecycle, f"{step}_campaign")(slug, actor="before")
        world.known["fresh"] = Campaign.objects.get(slug=slug).pk

    return make


def _of_campaign(verb: str, *steps: str, **form: Any) -> Doing:
    return _verb("coupons_campaign_do", "fresh", verb, _fresh(*steps), **form)


def _with_fresh(page: str, /, *steps: str, **form: Any) -> Doing:
    def do(client: Client, world: World, headers: dict[str, str]) -> Any:
        _fresh(*steps)(client, world, {})
        return _post(page, "fresh", **form)(client, world, headers)

    return do


LATER = {"opens_at": timedelta(hours=1), "closes_at": timedelta(hours=2)}
NEW = {"slug": "formed", "name": "Formed", "stock": "5", "discount_value": "10", "valid_days": "9"}


def _form(page: str, /, *keys: str, **changed: str) -> Doing:
    """As a browser: what the page's form holds, and what is typed over it."""

    def do(client: Client, world: World, headers: dict[str, str]) -> Any:
        _fresh()(client, world, {})
        address = reverse(f"admin:{page}", args=[world.known[key] for key in keys])
        form = client.get(address).context["adminform"].form
        now = timezone.localtime()
        times = {name: f"{now + later:%Y-%m-%d %H:%M:%S}" for name, later in LATER.items()}
        shown = {name: form[name].value() for name in form.fields}
        values = {
            name: value for name, value in shown.items() if value is not None and value is not False
        }
        answer: Any = client.post(address, values | times | changed, headers=headers)
        assert answer.status_code == 302, answer.context["adminform"].form.errors
        return answer

    return do


def _redeemed(client: Client, world: World, headers: dict[str, str]) -> None:
    world.known["redeemed"] = Coupon.objects.get(campaign__slug=SALE, user="jun").pk


def _slug(world: World) -> str:
    return str(Campaign.objects.get(pk=world.known["fresh"]).slug)


def _close(client: Client, world: World, headers: dict[str, str]) -> Any:
    _fresh("schedule")(client, world, {})
    typed = {"slug": _slug(world), "why": "it is over"}
    return _post("coupons_campaign_do", "fresh", "close", **typed)(client, world, headers)


def _undo(client: Client, world: World, headers: dict[str, str]) -> Any:
    _fresh("schedule")(client, world, {})
    lifecycle.change_stock(_slug(world), stock=9, actor="before")
    world.known["undoable"] = Undoable.objects.latest("id").pk
    return _post("coupons_campaign_undo", "fresh", "undoable")(client, world, headers)


def _decide(client: Client, world: World, headers: dict[str, str]) -> Any:
    _fresh("schedule")(client, world, {})
    world.known["asked"] = approvals.ask_close(_slug(world), actor="before", reason="over").pk
    page = _post("coupons_approvalrequest_decide", "asked", decision="approve")
    return page(client, world, headers)


_free = _of_coupon("release")
END = (timezone.now() + timedelta(days=60)).strftime("%Y-%m-%dT%H:%M")
ADMIN: dict[tuple[str, str], Doing] = {
    ("coupons_campaign_do", "schedule"): _of_campaign("schedule"),
    ("coupons_campaign_do", "open"): _of_campaign("open", "schedule"),
    ("coupons_campaign_do", "pause"): _of_campaign("pause", "schedule", reason="load"),
    ("coupons_campaign_do", "resume"): _of_campaign("resume", "schedule", "pause"),
    ("coupons_campaign_do", "close"): _close,
    ("coupons_campaign_undo", ""): _undo,
    ("coupons_approvalrequest_decide", ""): _decide,
    ("coupons_campaign_live_stock", ""): _with_fresh(
        "coupons_campaign_live_stock", "schedule", stock="7"),
    ("coupons_campaign_add", ""): _form("coupons_campaign_add", **NEW),
    ("coupons_campaign_change", ""): _form("coupons_campaign_change", "fresh", name="Another"),
    ("coupons_campaign_delete", ""): _with_fresh("coupons_campaign_delete", post="yes"),
    ("coupons_coupon_do", "cancel"): _verb("coupons_coupon_do", "redeemed", "cancel",
        _redeemed, reason="a complaint", cause="customer"),
    ("coupons_merchantkey_add", ""): _post(
        "coupons_merchantkey_add", merchant="1", name="till", scopes="read"),
    ("auth_user_add", ""): _post(
        "auth_user_add", username="sora", usable_password="true",
        password1="seven green windows", password2="seven green windows"),
    ("auth_user_change", ""): _post(
        "auth_user_change", "operator", username="viewer", is_active="on", is_staff="on",
        first_name="Vi", date_joined_0="2026-01-01", date_joined_1="00:00:00"),
    ("coupons_coupon_do", "release"): _free,
    ("coupons_coupon_do", "revoke"): _of_coupon("revoke", _free),
    ("coupons_coupon_do", "undo"): _of_coupon("undo", _free, _of_coupon("revoke")),
    ("coupons_coupon_do", "extend"): _of_coupon("extend", _free, end=END),
    ("coupons_merchantkey_do", "roll"): _verb(
        "coupons_merchantkey_do", "prefix", "roll", overlap_days="1"),
    ("coupons_merchantkey_do", "revoke"): _verb(
        "coupons_merchantkey_do", "prefix", "revoke", sure="yes"),
    ("coupons_webhookendpoint_do", "enable"): _verb(
        "coupons_webhookendpoint_do", "webhook", "enable",
        _verb("coupons_webhookendpoint_do", "webhook", "disable")),
    ("coupons_webhookendpoint_do", "disable"): _verb(
        "coupons_webhookendpoint_do", "webhook", "disable"),
    ("coupons_webhookendpoint_do", "test"): _verb(
        "coupons_webhookendpoint_do", "webhook", "test"),
    ("coupons_webhookendpoint_do", "replay"): _verb(
        "coupons_webhookendpoint_do", "webhook", "replay", hours="1"),
    ("coupons_merchant_add", ""): _post("coupons_merchant_add", slug="deli", name="Deli"),
    ("coupons_merchant_change", ""): _post(
        "coupons_merchant_change", "merchant", slug="books", name="Another name"),
    ("auth_group_add", ""): _post("auth_group_add", name="night shift"),
    ("auth_group_change", ""): _post("auth_group_change", "group", name="watchers"),
    ("auth_group_delete", ""): _post("auth_group_delete", "group", post="yes"),
    ("auth_user_delete", ""): _post("auth_user_delete", "operator", post="yes"),
    ("auth_user_password_change", ""): _post(
        "auth_user_password_change", "operator", usable_password="true",
        password1="seven green windows", password2="seven green windows"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "verb"), sorted(ADMIN))
def test_a_verb_of_the_admin_leaves_an_event(world: World, name: str, verb: str) -> None:
    client, request_id = Client(), f"walk.{next(_numbers)}"
    client.force_login(User.objects.create_superuser("walker"))
    answer = ADMIN[name, verb](client, world, {"X-Request-Id": request_id})
    assert answer.status_code in (200, 302), answer.content
    demand_event(rows_of(request_id), by="walker")


# Pages that change nothing, by the end of their URL's name.
READ_PAGES = (
    "_changelist", "_history", "_live", "_readiness", "_readiness_json", "_parked", "jsi18n",
    "index", "session", "password_change_done", "_export", "_report", "_report_json",
    "_live_counts", "_live_figures", "_preview", "_history_csv", "_history_jsonl",
    "_report_html", "why", "_code", "_state", "_demand",
)  # fmt: skip
# Closed to everybody, or every field of theirs is read-only.
VIEWED = {
    *CLOSED,
    *(f"coupons_{one}_change" for one in (
        "coupon", "approvalrequest", "merchantkey", "waitlistentry", "webhookendpoint",
        "webhookdelivery")),
}  # fmt: skip
# Done for real by another test, which demands the same of the event.
_BY_LOGIN_LOG = "login_log.log_change, tests/admin/test_login_log.py"
ELSEWHERE_DONE = {
    "coupons_campaign_parked_do": "parked claims: log.record_event, tests/admin/test_mending.py",
    "coupons_campaign_override": "a held campaign: log.record_event, tests/admin/test_board.py",
    "coupons_campaign_receipt": "a lost claim: log.record_event, tests/admin/test_mending.py",
    "coupons_campaign_rehearsal": "a crowd and a minute: log.record_event, tests of rehearsal",
    "password_change": _BY_LOGIN_LOG,
}


def test_every_verb_of_the_admin_is_walked_or_says_why_not() -> None:
    """A page that another author adds fails here until it has its line."""
    left = {
        (name, verb)
        for name, verb in admin_verbs()
        if not name.endswith(READ_PAGES) and name not in VIEWED | ELSEWHERE_DONE.keys()
    }
    assert left - ADMIN.keys() == set()
