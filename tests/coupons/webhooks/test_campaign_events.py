"""What merchants are told of their campaigns: in the recording transaction, and by a cursor."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from coupons.admission import strategies
from coupons.campaigns import lifecycle, recorded_states, sold_out
from coupons.claims.timestamps import iso_text, milliseconds_of
from coupons.claims.values import Claim
from coupons.database import clock
from coupons.issuing.drain import drain
from coupons.models import Campaign, Coupon, Merchant, OutboxMessage, WebhookCursor
from coupons.webhooks import coupon_cursor
from coupons.webhooks.coupon_cursor import follow_places
from tests.conftest import CampaignMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]
Draft = Callable[..., Campaign]


def told(*, since: int = 0) -> list[tuple[str, dict[str, Any]]]:
    rows = OutboxMessage.objects.order_by("id").values_list("type", "body")
    return [(type.removeprefix("campaign."), body) for type, body in rows][since:]


def kinds() -> list[str]:
    return [kind for kind, _ in told()]


def claim_and_store(campaign: Any, *users: str) -> None:
    for user in users:
        strategies.admit(campaign, Claim(user))
    drain(campaign.slug, consumer="test")


def test_an_opening_and_a_closing_by_the_clock_are_told(draft: Draft, shop: Merchant) -> None:
    draft(opens_at=timezone.now() + timedelta(hours=1), merchant=shop,
          closes_at=timezone.now() + timedelta(hours=2))  # fmt: skip
    lifecycle.schedule_campaign("sale", actor="Mina")
    assert told() == []
    Campaign.objects.update(opens_at=timezone.now() - timedelta(seconds=1))
    recorded_states.follow_the_clock()
    recorded_states.follow_the_clock()
    assert kinds() == ["opened"]
    Campaign.objects.update(closes_at=timezone.now() - timedelta(milliseconds=1))
    recorded_states.follow_the_clock()
    assert kinds() == ["opened", "closed"]
    assert told()[0][1]["campaign"] == "sale"
    assert told()[0][1]["after_pause"] is False


def test_what_an_operator_does_is_told(draft: Draft, shop: Merchant) -> None:
    draft(opens_at=timezone.now() + timedelta(minutes=30), merchant=shop)
    lifecycle.schedule_campaign("sale", actor="Mina")
    lifecycle.open_now("sale", actor="Mina")
    lifecycle.pause_campaign("sale", actor="Mina")
    lifecycle.resume_campaign("sale", actor="Mina")
    lifecycle.change_stock("sale", stock=20, actor="Mina")
    lifecycle.close_campaign("sale", actor="Mina")
    assert kinds() == ["opened", "opened", "closed"]
    assert [body["after_pause"] for _, body in told()] == [False, True, False]


def test_a_campaign_of_the_site_itself_tells_nothing(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign()
    claim_and_store(campaign, "ann", "bob")
    recorded_states.follow_the_clock()
    lifecycle.close_campaign("sale", actor="Mina")
    assert follow_places() == 0
    assert told() == []


def test_stored_coupons_are_told_as_ranges_of_places_once(
    open_campaign: CampaignMaker, shop: Merchant
) -> None:
    campaign = open_campaign(merchant=shop)
    assert follow_places() == 0
    claim_and_store(campaign, "ann", "bob", "jun")
    assert [follow_places(), follow_places()] == [1, 0]
    claim_and_store(campaign, "mina")
    follow_places()
    assert told() == [
        ("coupons_issued", {"campaign": "sale", "from": 1, "to": 3}),
        ("coupons_issued", {"campaign": "sale", "from": 4, "to": 4}),
    ]


def test_a_place_that_is_not_stored_yet_is_waited_for_and_then_told_of_later(
    open_campaign: CampaignMaker, shop: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = open_campaign(merchant=shop)
    claim_and_store(campaign, "ann", "bob", "jun", "mina")
    parked = Coupon.objects.get(place=2)
    Coupon.objects.filter(place=2).delete()
    assert follow_places() == 1
    assert follow_places() == 1  # it waits at the gap
    assert [body for _, body in told()] == [{"campaign": "sale", "from": 1, "to": 1}]
    WebhookCursor.objects.update(
        blocked_since=clock.read_now() - timedelta(seconds=coupon_cursor.GAP_S)
    )
    follow_places()
    assert told()[1:] == [("coupons_issued", {"campaign": "sale", "from": 3, "to": 4})]
    assert WebhookCursor.objects.get().missing == [2]
    parked.save(force_insert=True)
    follow_places()
    assert told()[2:] == [("coupons_issued", {"campaign": "sale", "from": 2, "to": 2})]
    cursor = WebhookCursor.objects.get()
    assert (cursor.missing, cursor.told, cursor.place) == ([], 4, 4)
    assert follow_places() == 0


def test_sold_out_is_told_once_for_each_stock(open_campaign: CampaignMaker, shop: Merchant) -> None:
    campaign = open_campaign(merchant=shop, stock=2)
    claim_and_store(campaign, "ann")
    follow_places()
    assert kinds() == ["coupons_issued"]
    claim_and_store(campaign, "bob", "jun")
    sold_out.record_sold_out()
    follow_places()
    follow_places()
    assert told(since=2) == [("sold_out", {"campaign": "sale", "stock": 2, **moment()})]
    lifecycle.change_stock("sale", stock=3, actor="Mina")
    assert follow_places() == 0
    claim_and_store(campaign, "jun")
    sold_out.record_sold_out()
    follow_places()
    assert told(since=4) == [("sold_out", {"campaign": "sale", "stock": 3, **moment()})]


def moment() -> dict[str, Any]:
    row = Campaign.objects.get()
    at = sold_out.last_sold_out(row) or row.sold_out_at
    assert at is not None
    after_ms = milliseconds_of(at) - milliseconds_of(row.opens_at)
    return {"sold_out_at": iso_text(at), "ms_after_opening": after_ms}


def test_a_sell_out_waits_for_its_moment_but_not_for_ever(
    open_campaign: CampaignMaker, shop: Merchant
) -> None:
    claim_and_store(open_campaign(merchant=shop, stock=1), "ann")
    follow_places()
    assert kinds() == ["coupons_issued"]
    late = clock.read_now() - timedelta(seconds=coupon_cursor.MOMENT_S)
    Coupon.objects.update(stored_at=late)
    follow_places()
    unknown = {"sold_out_at": None, "ms_after_opening": None}
    assert told(since=1) == [("sold_out", {"campaign": "sale", "stock": 1, **unknown})]


def test_a_stock_lowered_to_what_is_given_is_sold_out(
    open_campaign: CampaignMaker, shop: Merchant
) -> None:
    claim_and_store(open_campaign(merchant=shop, stock=5), "ann", "bob")
    follow_places()
    lifecycle.change_stock("sale", stock=2, actor="Mina")
    sold_out.record_sold_out()
    follow_places()
    assert kinds() == ["coupons_issued", "sold_out"]


def test_units_raised_for_grants_do_not_sell_it_out_again(
    open_campaign: CampaignMaker, shop: Merchant
) -> None:
    claim_and_store(open_campaign(merchant=shop, stock=1), "ann")
    sold_out.record_sold_out()
    follow_places()
    assert kinds() == ["coupons_issued", "sold_out"]
    Campaign.objects.update(stock=2, granted=1)
    campaign = Campaign.objects.get()
    campaign.tally.highest = 2
    campaign.tally.save()
    assert follow_places() == 0
