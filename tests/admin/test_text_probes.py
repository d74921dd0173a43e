"""Every text field that anybody shows to anybody, with texts that attack whoever shows it: planted
through the real entries and, where those refuse, behind them; then every route is read."""

import csv
import json
import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.template import engines
from django.test import Client
from django.utils import timezone

from coupons.broker import wakeups
from coupons.bulk import exports
from coupons.campaigns import lookup, redis_clock
from coupons.issuing import drain
from coupons.observability.json_log import JsonLineFormatter, LineFormatter
from coupons.runtime import runtime
from tests.admin.planted_fields import (
    NO_TEXT,
    PLANTED,
    is_planted,
    plant_texts,
    text_fields,
)
from tests.admin.text_probes import MARK, PROBES, faults_of_answer, faults_of_page
from tests.authorization.cast import SALE, World, make_world
from tests.authorization.routes import every_route
from tests.conftest import Person

pytestmark = pytest.mark.django_db

ODD_NAME = "A probe"


def test_every_text_field_is_planted_or_has_a_reason() -> None:
    assert not PLANTED & NO_TEXT.keys()
    assert PLANTED | NO_TEXT.keys() == text_fields().keys()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(wakeups, "notify_delivery", lambda: True)
    world = make_world()
    assert Person("mina").claims(SALE).status_code == 202
    drain.drain(SALE, consumer="test")
    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    world.cast["root"] = root
    return world


def entries(world: World, text: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What a stranger, a shop or an operator can send."""
    known, person, books = world.known, Person(text), world.cast["books"]
    now = timezone.now()
    window = {
        "opens_at": now.isoformat(),
        "closes_at": (now.replace(year=now.year + 1)).isoformat(),
    }
    draft = {"name": text, "stock": 5, "discount_value": "10", "valid_days": 3, **window}

    def shop(path: str, body: Any, kind: str = "application/json", method: str = "POST") -> Any:
        content = body if isinstance(body, str) else json.dumps(body)
        headers = {"Idempotency-Key": f"probe-{path}-{abs(hash(content))}"[:60], "If-Match": "*"}
        return books.generic(method, f"/api/v1/merchant/{path}", content, kind, headers=headers)

    cart = {**known["cart"], "order_ref": text}
    yield "token", lambda: person.claims(SALE)
    yield "waitlist", lambda: person.client.post(f"/api/v1/campaigns/{SALE}/waitlist")
    yield "page", lambda: Client().post(f"/events/{SALE}", {"token": text})
    yield "receipt", lambda: person.client.post(
        "/api/v1/receipts/verify", json.dumps({"receipt": text}), "application/json")  # fmt: skip
    yield "name", lambda: shop("campaigns", {"slug": "probed", **draft})
    yield "audience", lambda: shop("campaigns", {"slug": "probed-2", **draft, "audience": text})
    for field in ("slug", "zone", "currency", "discount", "returns_to", "opens_at", "stock"):
        odd = {"slug": "probed-3", **draft, "name": ODD_NAME, field: text}
        yield field, partial(shop, "campaigns", odd)
    yield "renamed", lambda: shop(f"campaigns/{SALE}", {"name": text}, method="PATCH")
    yield "order", lambda: shop("reservations", cart)
    yield "order 2", lambda: shop("redemptions", cart)
    yield "code", lambda: shop("coupons/lookup", {"code": text})
    yield "reason", lambda: shop("coupons/revoke", {"code": known["code"], "reason": text})
    yield "cause", lambda: shop(f"redemptions/{known['redemption']}/cancel", {"cause": text})
    yield "webhook", lambda: shop("webhooks", {"url": f"https://shop.example/{text}"})
    yield "webhook 2", lambda: shop("webhooks", {"url": text, "types": [text]})
    yield (
        "lines",
        lambda: shop(
            f"campaigns/{SALE}/grants", json.dumps({"user": text}) + "\n", "application/jsonl"
        ),
    )
    yield "csv", lambda: shop(f"campaigns/{SALE}/grants", f"user\n{text}\n", "text/csv")
    yield (
        "bulk reason",
        lambda: shop(
            f"campaigns/{SALE}/revocations?reason={quote(text)}",
            '{"user": "x"}',
            "application/jsonl",
        ),
    )
    form = {"name": text, "slug": text, "audience": text, "username": text, "reason": text,
            "stock": text, "zone": text, "user": text, "url": text, "code": text}  # fmt: skip
    for where in ("campaign/add/", "merchant/add/", "merchantkey/add/", "webhookendpoint/add/",
                  f"campaign/{known['campaign']}/change/", f"coupon/{known['coupon']}/do/revoke/",
                  f"campaign/{known['campaign']}/do/stock/"):  # fmt: skip
        yield where, partial(world.cast["root"].post, f"/admin/coupons/{where}", form)
    yield "login", lambda: Client().post("/admin/login/", form | {"password": text, "next": text})


def read_everything(world: World, text: str) -> Iterator[tuple[str, Any]]:
    """Each route of the URL configuration as whoever may read it, and lists asked for the text."""
    lookup.clear_snapshots()
    runtime.start_fresh()
    redis_clock.keep_measurement(0, 1)
    cast, asked = world.cast, quote(text)
    for route in every_route(world):
        if "logout" in route.pattern:
            continue
        is_shops = route.pattern.startswith("api/v1/merchant/")
        client = cast["root" if route.is_of_operators else "books" if is_shops else "ann"]
        yield route.path, client.get(route.path)
    coupons = f"/api/v1/merchant/campaigns/{SALE}/coupons"
    for path in (f"{coupons}?format=csv", f"{coupons}?format=jsonl", f"/{asked}",
                 f"/events/{asked}", f"/events?cursor={asked}&lang={asked}",
                 f"/api/v1/merchant/users/{asked}/attempts?campaign={SALE}",
                 f"/api/v1/coupons?cursor={asked}", f"/api/v1/campaigns/{asked}",
                 f"/admin/login/?next={asked}", f"/admin/coupons/campaign/?q={asked}",
                 f"/admin/coupons/coupon/?q={asked}", f"/admin/coupons/merchant/?name={asked}",
                 "/admin/auth/user/"):  # fmt: skip
        client = cast["root" if "/admin/" in path else "books" if "/merchant/" in path else "ann"]
        yield path, client.get(path, headers={"X-Request-Id": text.strip("\r\n\t\x00")})


def faults_with(world: World, text: str) -> list[str]:
    found = []
    with transaction.atomic():
        for name, send in entries(world, text):
            with transaction.atomic():
                answer = send()
                found += [f"{name}: {each}" for each in faults_of_answer(answer, 0)]
        plant_texts(world, text)
        missing = [name for name in sorted(PLANTED) if not is_planted(name, text)]
        assert not missing, missing
        for path, answer in read_everything(world, text):
            for each in faults_of_answer(answer, 0 if "history" in path else len(exports.COLUMNS)):
                found.append(f"{path}: {each}")
        transaction.set_rollback(True)
    return [f"{text!r} at {each}" for each in found]


def forged_lines(records: list[logging.LogRecord]) -> list[str]:
    """Log lines that are more than one line."""
    forms = (JsonLineFormatter(), LineFormatter())
    lines = [form.format(record) for record in records if not record.exc_info for form in forms]
    return [line for line in lines if len(line.splitlines()) > 1 or "\x1b" in line]


@pytest.mark.long
@pytest.mark.parametrize("text", PROBES, ids=range(len(PROBES)))
def test_no_text_is_more_than_text_wherever_it_is_shown(
    world: World, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    caplog.set_level(logging.INFO)
    found = faults_with(world, text)
    assert found == [], "\n".join(found)
    assert "\x00" in text or any(MARK in record.getMessage() for record in caplog.records)
    assert forged_lines(caplog.records) == []


def test_some_of_them_in_every_field(world: World) -> None:
    assert faults_with(world, PROBES[1]) == []


@pytest.mark.slow
def test_control_without_escaping_they_are_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    django: Any = engines["django"]
    monkeypatch.setattr(django.engine, "autoescape", False)
    found = faults_with(world, PROBES[1])
    assert len({each.split(": ")[0] for each in found}) > 8, found


@pytest.mark.parametrize(
    "around",
    [
        "<p>{}</p>", '<a href="{}">x</a>', "<p title='{}'>x</p>", "<textarea>{}</textarea>",
        "<script>let x = '{}'</script>",
    ],
)  # fmt: skip
def test_control_a_page_that_escapes_nothing_is_found(around: str) -> None:
    assert any(faults_of_page(around.format(text)) for text in PROBES)
    assert faults_of_page(around.format("mina")) == []
    assert faults_of_page(f"<p>49{MARK}</p>"), "somebody has computed it"


@pytest.mark.slow
def test_control_a_plain_writer_of_csv_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "csv", csv)
    assert [each for each in faults_with(world, PROBES[16]) if "a formula" in each]
