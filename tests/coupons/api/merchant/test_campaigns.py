"""Campaigns by the merchants' API: from a draft to a closed one, versions, rehearsals, stories."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from coupons.api.merchant import campaign_schemas
from coupons.campaigns import definition
from coupons.models import Campaign, CampaignEvent, IdempotentCall, Scope, Slot
from coupons.store import store
from tests.conftest import Person
from tests.coupons.api.merchant.shop import Shop

pytestmark = pytest.mark.django_db(transaction=True)


def soon(hours: float) -> str:
    return (timezone.now() + timedelta(hours=hours)).isoformat(timespec="milliseconds")


def lunch(**more: Any) -> dict[str, Any]:
    return {
        "slug": "lunch", "name": "Lunch", "stock": 3, "opens_at": soon(1), "closes_at": soon(2),
        "discount_value": "10", "minimum_order": "1000", "valid_days": 30,
    } | more  # fmt: skip


@pytest.fixture
def shop() -> Shop:
    return Shop("shop")


@pytest.fixture
def draft(shop: Shop) -> Any:
    made = shop.post("campaigns", lunch())
    assert made.status_code == 201, made.content
    return made


def change(shop: Shop, method: str, path: str, body: Any = None, etag: str = "") -> Any:
    etag = etag or shop.get("campaigns/lunch")["ETag"]
    return shop.send(method, f"campaigns/lunch{path}", body, if_match=etag)


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", answer.json().get("state"))


def test_a_campaigns_life(shop: Shop, draft: Any) -> None:
    assert (draft.json()["state"], draft.json()["stored"]) == ("draft", 0)
    assert code_of(change(shop, "POST", "/schedule")) == (200, "scheduled")
    assert code_of(change(shop, "PUT", "/stock", {"stock": 5})) == (200, "scheduled")
    assert code_of(change(shop, "POST", "/pause")) == (200, "paused")
    assert code_of(change(shop, "POST", "/resume")) == (200, "scheduled")
    opens = change(shop, "PATCH", "", {"opens_at": soon(-0.01)})
    assert code_of(opens) == (200, "open")
    assert Person("jun").claims("lunch").status_code == 202
    assert code_of(change(shop, "PUT", "/stock", {"stock": 4})) == (200, "open")
    assert code_of(change(shop, "POST", "/close")) == (200, "closed")
    assert code_of(change(shop, "POST", "/resume")) == (409, "illegal_transition")
    actors = set(CampaignEvent.objects.values_list("actor", flat=True))
    assert actors == {f"key {shop.key.prefix}"}


def test_an_answer_has_the_members_that_openapi_names(shop: Shop, draft: Any) -> None:
    (listed,) = shop.get("campaigns").json()["results"]
    assert listed == draft.json()
    assert list(listed) == list(campaign_schemas.CAMPAIGN)
    assert list(listed) == list(campaign_schemas.MerchantCampaign().fields)


def test_the_definition_that_is_shown_can_be_sent_again(shop: Shop, draft: Any) -> None:
    shown = {name: draft.json()[name] for name in definition.DRAFT_FIELDS}
    again = shop.post("campaigns", shown | {"slug": "dinner"})
    assert again.status_code == 201
    assert {name: again.json()[name] for name in shown} == shown | {"slug": "dinner"}


def test_a_change_needs_the_version_that_it_was_made_for(shop: Shop, draft: Any) -> None:
    etag = draft["ETag"]
    assert shop.get("campaigns/lunch")["ETag"] == etag
    missing = shop.send("PATCH", "campaigns/lunch", {"stock": 4})
    assert code_of(missing) == (428, "if_match_missing")
    first = change(shop, "PATCH", "", {"stock": 4}, etag)
    assert (first.status_code, first["ETag"] != etag) == (200, True)
    for verb, path, body in (("PATCH", "", {"stock": 5}), ("POST", "/schedule", None),
                             ("PUT", "/stock", {"stock": 5})):  # fmt: skip
        stale = change(shop, verb, path, body, etag)
        assert code_of(stale) == (412, "version_changed")
    assert code_of(change(shop, "PATCH", "", {"stock": 5}, '"nonsense"'))[0] == 412
    assert Campaign.objects.get().stock == 4
    assert not Slot.objects.exists()
    assert code_of(change(shop, "PATCH", "", {"stock": 5}, "*"))[0] == 200


def test_a_state_that_the_clock_changes_is_no_new_version(shop: Shop, draft: Any) -> None:
    scheduled = change(shop, "POST", "/schedule")
    assert scheduled["ETag"] == draft["ETag"]


def test_a_rehearsal_writes_nothing_and_says_what_would_happen(shop: Shop) -> None:
    def all_rows() -> list[int]:
        kinds = (Campaign, CampaignEvent, IdempotentCall, Slot)
        return [kind.objects.count() for kind in kinds]

    rehearsed = shop.post("campaigns?dry_run=1", lunch())
    assert (rehearsed.status_code, rehearsed["Dry-Run"]) == (201, "true")
    assert all_rows() == [0, 0, 0, 0]
    shop.post("campaigns", lunch())
    before = all_rows()
    etag = shop.get("campaigns/lunch")["ETag"]
    for verb, path, body, state in (
        ("PATCH", "", {"stock": 4}, "draft"),
        ("POST", "/schedule", None, "scheduled"),
        ("POST", "/clone", lunch(slug="dinner"), "draft"),
    ):
        answer = change(shop, verb, f"{path}?dry_run=1", body, etag)
        assert (code_of(answer)[1], answer["Dry-Run"]) == (state, "true"), path
    assert all_rows() == before
    assert store().campaigns.installed_slugs() == []
    change(shop, "POST", "/schedule")
    before, gate = all_rows(), store().campaigns.gate("lunch")
    for verb, path, body, state in (
        ("POST", "/pause", None, "paused"),
        ("POST", "/close", None, "closed"),
        ("PUT", "/stock", {"stock": 9}, "scheduled"),
        ("PATCH", "", {"opens_at": soon(1.5)}, "scheduled"),
    ):
        answer = change(shop, verb, f"{path}?dry_run=1", body, etag)
        assert (code_of(answer)[1], answer["Dry-Run"]) == (state, "true"), path
    assert all_rows() == before
    after = store().campaigns.gate("lunch")
    assert (after.stock, after.paused, after.opens_ms) == (gate.stock, False, gate.opens_ms)
    assert Campaign.objects.get().stock == 3


def test_a_rehearsal_is_refused_as_the_change_would_be(shop: Shop, draft: Any) -> None:
    assert code_of(change(shop, "POST", "/pause?dry_run=1")) == (409, "illegal_transition")
    change(shop, "POST", "/schedule")
    change(shop, "PATCH", "", {"opens_at": soon(-0.01)})
    for name in ("jun", "bob"):
        assert Person(name).claims("lunch").status_code == 202
    refused = change(shop, "PUT", "/stock?dry_run=1", {"stock": 1})
    assert code_of(refused) == (409, "stock_below_admitted"), "Redis alone knows of them"
    assert code_of(change(shop, "PUT", "/stock", {"stock": 1})) == (409, "stock_below_admitted")


def test_creating_needs_a_key_and_happens_once(shop: Shop) -> None:
    missing = shop.send("POST", "campaigns", lunch())
    assert code_of(missing) == (400, "idempotency_key_missing")
    first = shop.post("campaigns", lunch(), idempotency_key="k")
    again = shop.post("campaigns", lunch(opens_at=first.json()["opens_at"]), idempotency_key="k")
    assert code_of(again) == (422, "idempotency_key_reused"), "its body differs"
    body = lunch(slug="dinner")
    first = shop.post("campaigns", body, idempotency_key="k2")
    again = shop.post("campaigns", body, idempotency_key="k2")
    assert (again.status_code, again.content) == (201, first.content)
    assert (again["Idempotency-Replayed"], again["ETag"]) == ("true", first["ETag"])


def test_a_repeated_step_is_answered_as_before(shop: Shop, draft: Any) -> None:
    headers = {"if_match": draft["ETag"], "idempotency_key": "k"}
    first = shop.post("campaigns/lunch/schedule", **headers)
    again = shop.post("campaigns/lunch/schedule", **headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again["Idempotency-Replayed"] == "true"
    assert code_of(shop.post("campaigns/lunch/schedule", if_match="*"))[0] == 409


@pytest.mark.parametrize(
    ("more", "fields"),
    [
        ({"stock": 0, "per_user": "1", "colour": "red"}, {"stock", "per_user", "colour"}),
        ({"closes_at": soon(0.5)}, {"closes_at"}),
        ({"discount_value": "101"}, {"discount_value"}),
        ({"discount_value": "1.555"}, {"discount_value"}),
        ({"currency": "XYZ"}, {"currency"}),
        ({"minimum_order": "10.5"}, {"minimum_order"}),
        ({"slug": "Lunch Time"}, {"slug"}),
        ({"zone": "Mars/Olympus"}, {"zone"}),
        ({"zone": "../etc/passwd"}, {"zone"}),
        ({"rounding": 7}, {"rounding"}),
        ({"opens_at": "2026-12-01T12:00:00"}, {"opens_at"}),
        ({"opens_at": "2026-12-01"}, {"opens_at"}),
        ({"closes_at": "9999-12-31"}, {"closes_at"}),
        ({"closes_at": "9999-12-31T23:59:59-14:00"}, {"closes_at"}),
        ({"opens_at": "0001-01-01T00:00:00+14:00"}, {"opens_at"}),
        ({"opens_at": "0001-01-01T00:00:00+14:00", "valid_days": None}, {"opens_at", "body"}),
        ({"name": "a\u202eb"}, {"name"}),
    ],
)
def test_a_definitions_faults_name_their_fields(
    shop: Shop, more: dict[str, Any], fields: set[str]
) -> None:
    answer = shop.post("campaigns", lunch(**more))
    assert code_of(answer) == (400, "bad_input")
    assert {error["field"] for error in answer.json()["errors"]} == fields
    assert not Campaign.objects.exists()


def test_a_slug_in_use_is_refused(shop: Shop, draft: Any) -> None:
    answer = shop.post("campaigns", lunch())
    assert answer.json()["errors"] == [
        {"field": "slug", "why": "A campaign with this slug already exists."}
    ]


def test_what_is_seldom_meant_is_asked_first(shop: Shop) -> None:
    unusual = lunch(discount_value="100", opens_at=soon(-5))
    asked = shop.post("campaigns", unusual)
    assert code_of(asked) == (409, "needs_confirmation")
    assert list(asked.json()["questions"]) == ["free_orders"]
    assert shop.post("campaigns", unusual | {"confirmed": ["free_orders"]}).status_code == 201
    assert list(change(shop, "POST", "/schedule").json()["questions"]) == ["opens_at_once"]
    confirmed = change(shop, "POST", "/schedule", {"confirmed": ["opens_at_once"]})
    assert code_of(confirmed) == (200, "open")
    wrong = change(shop, "POST", "/schedule", {"confirmed": ["everything"]})
    assert code_of(wrong) == (400, "bad_input")


def test_a_waitlist_that_nobody_serves_is_asked_about(shop: Shop) -> None:
    unserved = lunch(waitlist_limit=50, returns_to="burn")
    assert list(shop.post("campaigns", unserved).json()["questions"]) == ["waitlist_unserved"]
    confirmed = unserved | {"confirmed": ["waitlist_unserved"]}
    assert shop.post("campaigns", confirmed).status_code == 201


def test_terms_are_frozen_once_it_is_public(shop: Shop, draft: Any) -> None:
    change(shop, "POST", "/schedule")
    assert code_of(change(shop, "PATCH", "", {"name": "x"})) == (409, "illegal_transition")


def test_a_clone_has_its_own_slug_and_window(shop: Shop, draft: Any) -> None:
    window = {"slug": "lunch-2", "opens_at": soon(24), "closes_at": soon(25)}
    clone = shop.post("campaigns/lunch/clone", window)
    assert clone.status_code == 201
    same = set(definition.DRAFT_FIELDS) - set(window)
    assert all(clone.json()[name] == draft.json()[name] for name in same)
    assert clone.json()["state"] == "draft"
    assert code_of(shop.post("campaigns/lunch/clone", {"slug": "x"})) == (400, "bad_input")


def test_complaint_31_an_end_given_as_a_date_is_24_00_in_the_campaigns_zone(shop: Shop) -> None:
    dated = lunch(
        opens_at="2026-12-01T09:00:00+09:00",
        closes_at="2026-12-06",
        valid_until="2026-12-31",
        valid_days=None,
    )
    made = shop.post("campaigns", dated | {"zone": "Asia/Seoul"}).json()
    assert made["closes_at"] == "2026-12-07T00:00:00.000+09:00"
    assert made["valid_until"] == "2027-01-01T00:00:00.000+09:00"
    stored = Campaign.objects.get()
    assert stored.closes_at == datetime(2026, 12, 6, 15, tzinfo=UTC)
    utc = datetime(2026, 12, 7, tzinfo=UTC)
    assert stored.closes_at != utc, "control: eight products ended it at 24:00 UTC"


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        ("Europe/Berlin", "2026-10-25", "2026-10-25T23:00:00+00:00"),  # a day of 25 hours
        ("Europe/Berlin", "2026-10-24", "2026-10-24T22:00:00+00:00"),
        ("Europe/Berlin", "2026-03-29", "2026-03-29T22:00:00+00:00"),  # of 23
        ("America/New_York", "2026-11-01", "2026-11-02T05:00:00+00:00"),
        ("Africa/Cairo", "2026-04-23", "2026-04-23T22:00:00+00:00"),  # the next has no midnight
        ("Africa/Cairo", "2026-10-29", "2026-10-29T22:00:00+00:00"),  # 23:00 comes twice
        ("Asia/Kathmandu", "2026-12-31", "2026-12-31T18:15:00+00:00"),
    ],
)
def test_complaint_50_a_day_ends_right_where_clocks_change(zone: str, day: str, end: str) -> None:
    ends = definition.end_of_day(datetime.fromisoformat(day).date(), zone)
    assert ends.astimezone(UTC).isoformat() == end


def test_complaint_50_ends_are_shown_with_the_offset_of_their_own_day(shop: Shop) -> None:
    made = shop.post("campaigns", lunch(
        zone="Europe/Berlin", opens_at="2026-10-20T12:00:00+02:00", closes_at="2026-10-24",
        valid_until="2026-10-25", valid_days=None,
    )).json()  # fmt: skip
    shown = [made[name] for name in ("opens_at", "closes_at", "valid_until")]
    assert [text[-6:] for text in shown] == ["+02:00", "+02:00", "+01:00"]
    assert all(text[11:16] in ("12:00", "00:00") for text in shown)


# Several merchants on one site


def test_no_merchant_sees_another_ones_campaigns(shop: Shop, draft: Any) -> None:
    """The same bytes as for a campaign that nobody has."""
    other = Shop("other")
    assert other.get("campaigns").json() == {"results": [], "next": None}
    change(shop, "POST", "/schedule")
    window = {"slug": "mine", "opens_at": soon(1), "closes_at": soon(2)}
    for method, path, body in (
        ("GET", "", None), ("PATCH", "", {"stock": 9}), ("POST", "/pause", None),
        ("POST", "/close", None), ("POST", "/schedule", None), ("POST", "/resume", None),
        ("PUT", "/stock", {"stock": 9}), ("POST", "/clone", window),
    ):  # fmt: skip
        headers = {"if_match": "*", "idempotency_key": f"{method}{path}"}
        theirs = other.send(method, f"campaigns/lunch{path}", body, **headers)
        absent = other.send(method, f"campaigns/nosuch{path}", body, **headers | {
            "idempotency_key": f"{method}{path}2"})  # fmt: skip
        assert code_of(theirs) == (404, "unknown_campaign"), path
        assert theirs.content == absent.content
        rehearsed = other.send(method, f"campaigns/lunch{path}?dry_run=1", body, **headers)
        assert rehearsed.content == absent.content
    assert Campaign.objects.get().state == "scheduled"
    assert code_of(shop.get("campaigns/lunch")) == (200, "scheduled")


def test_a_key_without_the_scope_sees_no_campaign(shop: Shop, draft: Any) -> None:
    till = Shop("shop", scopes=[Scope.READ, Scope.REDEEM])
    assert code_of(till.get("campaigns/lunch")) == (403, "scope_missing")
    assert till.get("campaigns/nosuch").content == till.get("campaigns/lunch").content


def test_lists_are_in_pages_by_slug(shop: Shop) -> None:
    for number in range(5):
        shop.post("campaigns", lunch(slug=f"c-{number}"))
    seen, path = [], "campaigns?limit=2"
    while path:
        page = shop.get(path).json()
        seen += [row["slug"] for row in page["results"]]
        path = page["next"] and f"campaigns?limit=2&after={page['next']}"
    assert seen == [f"c-{number}" for number in range(5)]
    for limit in ("0", "101", "x", "²", "9" * 5000):
        assert code_of(shop.get(f"campaigns?limit={limit}")) == (400, "bad_input")
