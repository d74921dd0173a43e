"""Every verb of the merchants' API is done for real, and leaves an event that says who, when and
from where. One whose only row says no more than that something was sent fails.
"""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.urls import get_resolver
from django.utils import timezone

from coupons.audit import trail
from coupons.models import Scope
from tests.authorization.cast import SALE, World
from tests.authorization.routes import Route, body_of, every_route, query_of
from tests.coupons.audit.walk.rows import demand_event, next_number, rows_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

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
    number = next_number()
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
    request_id = f"walk.{next_number()}"
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
