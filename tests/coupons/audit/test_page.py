"""The audit log's page: who may see it, search, filters, keyset, export, reads of coupons."""

import csv
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from coupons.admin.audit import log_words, page
from coupons.admin.rights import role_group
from coupons.audit import entries, trail, watched
from coupons.audit.entries import Asked, read_page
from coupons.models import (
    Act,
    AuditActor,
    AuditEvent,
    Campaign,
    Coupon,
    CouponEvent,
    EventKind,
)
from coupons.models.rights import ROLES
from tests.admin.conftest import hand_out as _hand_out
from tests.admin.test_notes import DATA

pytestmark = pytest.mark.django_db
hand_out = _hand_out  # the fixture
LOG = "/admin/coupons/auditevent/"


def client_of(role: str) -> Client:
    user, client = User.objects.create_user(role, is_staff=True), Client()
    user.groups.add(role_group(role))
    client.force_login(user)
    return client


def step(coupon: Coupon, version: int, **fields: Any) -> CouponEvent:
    made = CouponEvent(
        coupon=coupon, version=version, at=timezone.now(), verb="redeem", before="issued",
        after="redeemed", actor_kind="key", actor="abcd", request_id="asked-9", **fields,
    )  # fmt: skip
    made.save(force_insert=True)
    return made


@pytest.mark.parametrize("role", ROLES)
def test_the_menu_and_the_log_are_the_role_s(role: str) -> None:
    client = client_of(role)
    may = role != "support"
    assert (client.get(LOG).status_code == 200) is may
    home = client.get("/admin/").content.decode()
    assert (f'href="{LOG}"' in home) is may
    assert ('href="/admin/coupons/merchant/">Merchants</a></li>' in home) is (role == "operator")
    assert "/admin/auth/user/" not in home


def test_an_id_of_a_user_is_shown_with_the_right_only(db: None) -> None:
    trail.record_act(Act.READ, kind="coupon", id=1, user="ann-the-user", after={"user": "ann-in"})
    assert "ann-the-user" in client_of("approver").get(LOG).content.decode()
    page = client_of("viewer").get(LOG).content.decode()
    assert "ann-the-user" not in page
    assert "ann-in" not in page
    lines = Client()
    lines.force_login(User.objects.get(username="viewer"))
    export = b"".join(lines.get(f"{LOG}export/jsonl/").streaming_content)  # type: ignore[attr-defined]
    assert b"ann-the-user" not in export


def test_what_support_searched_for_is_shown_and_found_with_the_right_only(
    open_campaign: Any, hand_out: Any
) -> None:
    (ann,) = hand_out(open_campaign("sale"), ["ann-the-user"])
    support = client_of("support")
    coupons = reverse("admin:coupons_coupon_changelist")
    for text in ("ann-the-user", ann.code):
        support.get(coupons, {"q": text})
    trail.record_act(Act.READ, kind="coupon", id=1, actor_kind=AuditActor.USER, actor="ann-acts")
    approver, viewer = client_of("approver"), client_of("viewer")
    for text in ("ann-the-user", ann.code, "ann-acts"):
        assert text in approver.get(LOG).content.decode()
        assert len(read_page(Asked(text=text), None, 9).rows) == 1
        assert not read_page(Asked(text=text, user=False), None, 9).rows
        for form in ("", "export/csv/", "export/jsonl/"):
            answer: Any = viewer.get(LOG + form)
            shown = b"".join(answer.streaming_content) if form else answer.content
            assert text.encode() not in shown


def test_before_and_after_are_read_field_by_field(db: None) -> None:
    trail.record_act(
        Act.CHANGED, kind="merchant", id="books", before={"name": "Old"}, after={"name": "New"}
    )
    page = client_of("operator").get(LOG).content.decode()
    assert "name: <del>Old</del> → <ins>New</ins>" in page


def shown(client: Client, query: str = "") -> str:
    return client.get(f"{LOG}?{query}").content.decode()


def test_before_and_after_are_in_people_s_words(db: None) -> None:
    """Moments as everywhere, booleans and states as words, a folded list with what it begins."""
    trail.record_act(
        EventKind.CLOSED, kind="campaign", id="sale",
        before={"state": "open", "closes_at": "2026-11-30 05:55:23+00:00"},
        after={"state": "closed", "closes_at": "2026-11-30 01:03:23.480000+00:00",
               "expired_returns": True, "is_alone": False},
    )  # fmt: skip
    bob = User.objects.create_user("bob", "bob@example.com", "only-in-this-test")
    client = client_of("operator")
    english = shown(client)
    assert "closes at: <del>2026-11-30 14:55:23.000 KST</del>" in english
    assert "<ins>2026-11-30 10:03:23.480 KST</ins>" in english
    assert "by the same person: <ins>no</ins>" in english
    assert f"username {bob.username}" in english
    korean = client.get(LOG, headers={"Accept-Language": "ko"}).content.decode()
    assert "campaign sale" not in korean
    assert "캠페인 sale" in korean
    assert "closes at" not in korean
    assert "<del>open</del>" not in korean


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_verb_in_the_filter_has_a_name_of_its_own(language: str) -> None:
    with translation.override(language):
        names = [name for _value, name in page._verbs()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["since", "until"])
def test_a_moment_that_can_t_be_read_is_said_and_shows_nothing(name: str) -> None:
    trail.record_act(Act.CHANGED, kind="merchant", id="books")
    client = client_of("operator")
    assert "books" in shown(client, f"{name}=")
    for wrong in ("yesterday", "2026-13-45T99:00", "2026-02-30T10:00"):
        html = shown(client, f"{name}={wrong}")
        assert "This is no date and time, so nothing is shown." in html
        assert "books" not in html
        assert client.get(f"{LOG}export/csv/?{name}={wrong}").status_code == 400


def test_no_role_is_written_under_a_name_that_may_have_another() -> None:
    trail.record_act(Act.READ, kind="coupon", id=1, actor="ann", actor_kind=AuditActor.OPERATOR)
    assert '<span class="quiet">admin user</span>' in shown(client_of("viewer"))


def test_a_verb_that_is_refused_is_a_refusal(open_campaign: Any) -> None:
    open_campaign("sale")
    client = client_of("operator")
    stock = reverse("admin:coupons_campaign_live_stock", args=[Campaign.objects.get().pk])
    assert client.post(stock, {"stock": "none"}).status_code == 302
    row = AuditEvent.objects.order_by("-pk")[0]
    assert row.verb == Act.REFUSED
    assert (row.after or {})["refusal"] == "The stock is a whole number."


@pytest.mark.parametrize("text", ["bob", "books", "203.0.113.9", "asked-7", "mina"])
def test_a_search_finds_by_person_object_address_request_and_user(db: None, text: str) -> None:
    AuditEvent.objects.bulk_create([
        AuditEvent(actor_kind="operator", actor="bob", verb="changed", object_kind="merchant",
                   object_id="books", address="203.0.113.9", request_id="asked-7", user="mina"),
        AuditEvent(actor_kind="operator", actor="jun", verb="changed"),
    ])  # fmt: skip
    assert [row.actor for row in read_page(Asked(text=text), None, 10).rows] == ["bob"]


def test_steps_of_coupons_are_in_the_same_list(open_campaign: Any, hand_out: Any) -> None:
    campaign = open_campaign("sale")
    ann, bob = hand_out(campaign, ["ann", "bob"])
    step(ann, 1)
    step(bob, 1)
    assert len(read_page(Asked(text="ann"), None, 10).rows) == 1
    assert len(read_page(Asked(text="abcd"), None, 10).rows) == 2
    assert len(read_page(Asked(verb="redeem", campaign_id=campaign.id), None, 10).rows) == 2
    assert read_page(Asked(text="ann", user=False), None, 10).rows == []


def test_pages_by_keyset_show_every_row_once(open_campaign: Any, hand_out: Any) -> None:
    """Also rows of one moment, in both tables."""
    (ann,) = hand_out(open_campaign("sale"), ["ann"])
    AuditEvent.objects.bulk_create(
        AuditEvent(actor_kind="clock", actor="clock", verb="changed", at=timezone.now())
        for _ in range(25)
    )
    at = timezone.now() + timedelta(seconds=1)
    for version in range(1, 21):
        CouponEvent.objects.filter(pk=step(ann, version).pk).update(at=at)
    seen, after = [], None
    while True:
        page = read_page(Asked(), after, 7)
        seen += [entries.key_of(row) for row in page.rows]
        if page.older is None:
            break
        after = page.older
    assert len(seen) == len(set(seen)) == AuditEvent.objects.count() + 20
    assert seen == sorted(seen, reverse=True)


def test_a_filter_without_an_index_looks_at_so_many_and_goes_on(
    open_campaign: Any, hand_out: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "MOST_LOOKED", 5)
    (ann,) = hand_out(open_campaign("sale"), ["ann"])
    for version in range(1, 21):
        CouponEvent.objects.filter(pk=step(ann, version).pk).update(
            verb="revoke" if version == 1 else "redeem"
        )
    found, after, pages = 0, None, 0
    while True:
        page = read_page(Asked(verb="revoke"), after, 7)
        found, pages, after = found + len(page.rows), pages + 1, page.older
        if after is None:
            break
    assert (found, pages >= 4) == (1, True)


def test_csv_escapes_formulas(db: None) -> None:
    trail.record_act(Act.CHANGED, kind="merchant", id="=1+1", reason="@SUM(A1)")
    export = client_of("operator").get(f"{LOG}export/csv/")
    text = b"".join(export.streaming_content).decode()  # type: ignore[attr-defined]
    assert "'=1+1" in text
    assert "'@SUM(A1)" in text
    assert AuditEvent.objects.filter(verb=Act.EXPORTED, actor="operator").exists()


def test_a_read_of_a_coupon_leaves_one_row_an_hour(open_campaign: Any, hand_out: Any) -> None:
    (ann,) = hand_out(open_campaign("sale"), ["ann"])
    support = client_of("support")
    page = reverse("admin:coupons_coupon_change", args=[ann.pk])
    support.get(page)
    support.get(page)
    rows = AuditEvent.objects.filter(verb=Act.READ)
    assert [(row.actor, row.user, row.object_id) for row in rows] == [
        ("support", "ann", str(ann.pk))
    ]
    client_of("operator").get(page)
    assert rows.all().count() == 2
    support.get(reverse("admin:coupons_coupon_changelist"), {"q": "ann"})
    assert AuditEvent.objects.filter(verb=Act.SEARCHED, actor="support", object_id="ann").exists()


def test_a_page_counts_nothing_and_skips_nothing(db: None) -> None:
    """Neither COUNT nor OFFSET over the tables: their cost grows with the log."""
    with CaptureQueriesContext(
        connection,
    ) as statements:
        read_page(Asked(text="ann"), None, 100)
        read_page(Asked(), None, 100)
    for query in statements.captured_queries:
        assert "COUNT(" not in query["sql"]
        assert "OFFSET" not in query["sql"]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_the_export_names_a_campaign_by_its_slug(
    open_campaign: Any, hand_out: Any, form: str
) -> None:
    (ann,) = hand_out(open_campaign("sale"), ["ann"])
    step(ann, 1)
    number = Campaign.objects.get().pk
    answer: Any = client_of("operator").get(f"{LOG}export/{form}/")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    if form == "csv":
        named = [row["campaign"] for row in csv.DictReader(lines)]
    else:
        named = [json.loads(line)["campaign"] or "" for line in lines]
    assert named.count("sale") >= 2  # of a campaign's event and of a coupon's step
    assert set(named) <= {"sale", ""}
    assert str(number) not in named


def field_names() -> list[tuple[str, str]]:
    """Of each kind of object, each field that a row may have; of histories each name in their
    data."""
    fields = [
        (kind, field.name)
        for kind, model in log_words._MODELS.items()
        for field in apps.get_model(model)._meta.concrete_fields
        if field.name not in watched._LEFT_OUT
    ]
    elsewhere = {"moved", "was"}  # shown as fields of the campaign
    told = {name for data, *_texts in DATA.values() for name in data}
    told -= elsewhere | {"epoch"}  # a term that stays
    told |= {"until", "lines", "replaces", "end", "cause", "reads_as", "revived_until"}
    return [*fields, *(("campaign", name) for name in sorted(told))]


@pytest.mark.parametrize(("kind", "name"), field_names())
def test_every_field_has_a_korean_name(kind: str, name: str) -> None:
    with translation.override("ko"):
        label = log_words.field_label(kind, name)
    assert re.search("[가-힣]", label), label
