"""When a campaign sold out: by the deciding clock, once for each stock, in field and history."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import translation

from coupons.admission import strategies
from coupons.audit import labels
from coupons.audit.durations import duration_text
from coupons.campaigns import lifecycle, sold_out
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.timestamps import milliseconds_of, moment_of
from coupons.claims.values import Claim
from coupons.models import Campaign, CampaignEvent, EventKind, Returned
from coupons.store import keys, store
from tests.conftest import CampaignMaker
from tests.harness.store_override import forget_store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def admit(campaign: CampaignSnapshot, *users: str) -> int:
    """Returns when the last of them was admitted, in ms."""
    return [strategies.admit(campaign, Claim(user)).at_ms for user in users][-1]


def lines() -> list[CampaignEvent]:
    return list(CampaignEvent.objects.filter(kind=EventKind.SOLD_OUT).order_by("pk"))


def test_the_last_place_is_the_moment_recorded_once(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    campaign = open_campaign(strategy=strategy, stock=2)
    admit(campaign, "ann")
    assert sold_out.record_sold_out() == 0
    last_ms = admit(campaign, "bob")
    assert (sold_out.record_sold_out(), sold_out.record_sold_out()) == (1, 0)
    row, [line] = Campaign.objects.get(), lines()
    assert (row.sold_out_at, row.sold_out_stock) == (moment_of(last_ms), 2)
    assert (line.actor, line.at) == (lifecycle.CLOCK, moment_of(last_ms))
    after_ms = last_ms - milliseconds_of(row.opens_at)
    assert line.data == {"stock": 2, "after_ms": after_ms, "is_exact": True}
    assert labels.event_text(line).startswith("sold out: ")
    assert labels.event_text(line).endswith(" after the opening, stock 2")


def test_a_raised_stock_sells_out_again_and_the_first_time_is_kept(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    campaign = open_campaign(strategy=strategy, stock=1)
    first_ms = admit(campaign, "ann")
    sold_out.record_sold_out()
    assert sold_out.last_sold_out(Campaign.objects.get()) is None
    time.sleep(0.002)  # the next place is given in another millisecond
    lifecycle.change_stock("sale", stock=2, actor="Mina")
    assert sold_out.record_sold_out() == 0
    last_ms = admit(campaign, "bob")
    assert sold_out.record_sold_out() == 1
    assert [(line.data or {})["stock"] for line in lines()] == [1, 2]
    row = Campaign.objects.get()
    assert (row.sold_out_at, row.sold_out_stock) == (moment_of(first_ms), 2)
    assert sold_out.last_sold_out(row) == moment_of(last_ms)


def test_returned_units_have_their_line_but_do_not_move_the_moment(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=1, returns_to="pool")
    first_ms = admit(campaign, "ann")
    sold_out.record_sold_out()
    Returned.objects.create(campaign=Campaign.objects.get(), returned=1, given_on=1)
    lifecycle.change_stock("sale", stock=2, actor="clock")
    admit(campaign, "bob")
    assert sold_out.record_sold_out() == 1
    assert [(line.data or {})["stock"] for line in lines()] == [1, 2]
    assert Campaign.objects.get().sold_out_at == moment_of(first_ms)


def test_a_stock_lowered_to_what_is_given_has_no_exact_moment(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=5)
    admit(campaign, "ann", "bob")
    lifecycle.change_stock("sale", stock=2, actor="Mina")
    assert sold_out.record_sold_out() == 1
    [line] = lines()
    assert (line.data or {})["is_exact"] is False
    assert labels.event_text(line).startswith("sold out: about ")


def test_it_is_recorded_also_if_it_closes_in_the_same_second(open_campaign: CampaignMaker) -> None:
    last_ms = admit(open_campaign(stock=1), "ann")
    lifecycle.close_campaign("sale", actor="Mina")
    assert sold_out.record_sold_out() == 1
    assert Campaign.objects.get().sold_out_at == moment_of(last_ms)


def test_one_of_two_sweeps_at_a_time_records_it(open_campaign: CampaignMaker) -> None:
    last_ms = admit(open_campaign(stock=1), "ann")
    seen, last = Campaign.objects.get(), sold_out.LastPlace(last_ms, is_exact=True)
    assert [sold_out._record(seen, last), sold_out._record(seen, last)] == [True, False]
    assert len(lines()) == 1


def test_a_stock_that_was_raised_meanwhile_is_not_recorded(open_campaign: CampaignMaker) -> None:
    last_ms = admit(open_campaign(stock=1), "ann")
    seen = Campaign.objects.get()
    lifecycle.change_stock("sale", stock=2, actor="Mina")
    assert not sold_out._record(seen, sold_out.LastPlace(last_ms, is_exact=True))
    assert lines() == [] and Campaign.objects.get().sold_out_at is None


def test_direct_campaigns_need_no_redis(
    open_campaign: CampaignMaker, redis_away: Any, settings: Any
) -> None:
    admit(open_campaign("direct", strategy="direct", stock=1), "ann")
    admit(open_campaign("queued", stock=1), "ann")
    url = settings.REDIS_URL
    redis_away()
    assert sold_out.record_sold_out() == 1
    settings.REDIS_URL = url
    forget_store()
    assert sold_out.record_sold_out() == 1


def test_a_campaign_closed_for_repair_is_left_alone(open_campaign: CampaignMaker) -> None:
    admit(open_campaign(stock=1), "ann")
    store().client.hset(keys.campaign_keys("sale").gate, "epoch", "another")
    assert sold_out.record_sold_out() == 0


@pytest.mark.parametrize(
    ("time", "english", "korean"),
    [
        (timedelta(milliseconds=912), "0.9 s", "0.9초"),
        (timedelta(seconds=42), "42 s", "42초"),
        (timedelta(seconds=125), "2 min 5 s", "2분 5초"),
        (timedelta(hours=3, minutes=10), "3 h 10 min", "3시간 10분"),
        (timedelta(days=4, hours=2), "4 d 2 h", "4일 2시간"),
    ],
)
def test_lengths_of_time(time: timedelta, english: str, korean: str) -> None:
    ms = time // timedelta(milliseconds=1)
    assert duration_text(ms) == english
    with translation.override("ko"):
        assert duration_text(ms) == korean
