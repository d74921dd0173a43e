"""The waitlist: joined in order, served in order, and everything that was told is stored."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from coupons import store
from coupons.campaigns import lifecycle as campaigns
from coupons.errors import (
    HasPlace,
    NoOffer,
    NotSoldOut,
    NotWaiting,
    NoWaitlist,
    StaleClaims,
    StockGivenOn,
    WaitlistFull,
)
from coupons.grants import granting, returns, waitlist, waitlist_storing, waitlist_turns
from coupons.models import Campaign, Returned, WaitlistEntry
from coupons.recovery import failover, rebuild
from coupons.store import keys
from tests.conftest import CampaignMaker
from tests.coupons.grants.conftest import Sale

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]

Make = Callable[..., Sale]


def entries() -> dict[str, tuple[int, str]]:
    rows = WaitlistEntry.objects.order_by("number")
    return {row.user: (row.number, row.state) for row in rows}


def test_users_join_once_the_coupons_are_gone_and_keep_their_number(
    sold_out: Make, strategy: str
) -> None:
    sale = sold_out(strategy=strategy)
    assert sale.join("jun", "mina", "jun") == [1, 2, 1]
    assert [sale.position(name) for name in ("jun", "mina")] == [1, 2]
    returns.give_on_everywhere()
    assert entries() == {"jun": (1, "waiting"), "mina": (2, "waiting")}
    with pytest.raises(HasPlace):
        sale.join("ann")
    with pytest.raises(NotWaiting):
        sale.position("late")


def test_who_can_not_join_hears_why(
    sold_out: Make, open_campaign: CampaignMaker, strategy: str
) -> None:
    sale = sold_out(strategy=strategy, waitlist_limit=1)
    sale.join("jun")
    with pytest.raises(WaitlistFull):
        sale.join("mina")
    with pytest.raises(NoWaitlist):
        waitlist.join_waitlist(open_campaign("plain", strategy=strategy), "jun")
    early = open_campaign(
        "early", strategy=strategy, waitlist_limit=5, returns_to="waitlist", stock=1
    )
    with pytest.raises(NotSoldOut):
        waitlist.join_waitlist(early, "jun")
    campaigns.close_campaign("sale", actor="Mina")
    with pytest.raises(waitlist.NotNow):
        sale.join("late")


def test_a_returned_coupon_goes_to_the_first_and_so_on(sold_out: Make, strategy: str) -> None:
    sale = sold_out(strategy=strategy)
    sale.join("jun", "mina", "carl")
    sale.revoke("ann")
    assert returns.give_on_returned("sale") == 1
    assert returns.give_on_returned("sale") == 0
    assert entries() == {"jun": (1, "served"), "mina": (2, "waiting"), "carl": (3, "waiting")}
    assert [sale.position(name) for name in ("jun", "mina", "carl")] == [0, 1, 2]
    assert sale.claim("jun", "stranger") == [3, 0]
    sale.revoke("bob")
    returns.give_on_everywhere()
    assert sale.store() == {"ann": 1, "bob": 2, "jun": 3, "mina": 4}
    assert WaitlistEntry.objects.get(user="mina").place == 4
    assert returns.check_returned("sale").faults == []
    with pytest.raises(StockGivenOn):
        sale.undo("ann")
    with pytest.raises(HasPlace):
        sale.join("jun")


def test_who_leaves_is_not_served_and_may_come_again_at_the_end(
    sold_out: Make, strategy: str
) -> None:
    sale = sold_out(strategy=strategy)
    sale.join("jun", "mina", "carl")
    assert sale.position("carl") == 3
    waitlist.leave_waitlist(sale.campaign, "jun")
    waitlist.leave_waitlist(sale.campaign, "jun")
    assert sale.position("carl") == 2
    assert sale.join("jun") == [4]
    assert [sale.position(name) for name in ("mina", "carl", "jun")] == [1, 2, 3]
    sale.revoke("ann")
    returns.give_on_everywhere()
    assert entries()["mina"] == (2, "served")
    assert entries()["jun"] == (4, "waiting")


def test_who_has_a_coupon_by_now_is_skipped_with_the_reason(sold_out: Make, strategy: str) -> None:
    sale = sold_out(strategy=strategy)
    sale.join("jun", "mina")
    waitlist.find_standing(sale.campaign, "mina")
    granting.grant_places("sale", [store.Grantee("jun", 1, "support")], actor=waitlist_turns.CLOCK)
    sale.revoke("ann")
    returns.give_on_everywhere()
    assert entries() == {"jun": (1, "skipped"), "mina": (2, "served")}
    assert WaitlistEntry.objects.get(user="jun").reason == waitlist_turns.HAS_PLACE
    assert Returned.objects.get().given_on == 1


def test_nobody_is_served_too_late_to_use_it(sold_out: Make, settings: Any) -> None:
    settings.WAITLIST_LEAST_USE_S = 3600
    soon = timezone.now() + timedelta(minutes=50)
    sale = sold_out(closes_at=soon, valid_until=soon + timedelta(minutes=1), valid_days=None)
    sale.join("jun")
    sale.revoke("ann")
    returns.give_on_everywhere()
    assert WaitlistEntry.objects.get().reason == waitlist_turns.NO_TIME_LEFT
    assert Returned.objects.get().given_on == 0
    assert sale.join("jun") == [2]  # not lost: an operator may extend the campaign


def test_a_paused_campaign_serves_nobody(sold_out: Make, strategy: str) -> None:
    sale = sold_out(strategy=strategy)
    sale.join("jun")
    campaigns.pause_campaign("sale", actor="Mina")
    sale.revoke("ann")
    returns.give_on_everywhere()
    assert entries()["jun"] == (1, "waiting")
    campaigns.resume_campaign("sale", actor="Mina")
    returns.give_on_everywhere()
    assert entries()["jun"] == (1, "served")


# Offers


def test_an_offer_is_accepted_once(sold_out: Make, strategy: str) -> None:
    sale = sold_out(strategy=strategy, offer_hours=24)
    sale.join("jun", "mina")
    sale.revoke("ann")
    returns.give_on_everywhere()
    assert entries() == {"jun": (1, "offered"), "mina": (2, "waiting")}
    with pytest.raises(NoOffer):
        waitlist.accept_offer(sale.campaign, "mina")
    places = [waitlist.accept_offer(sale.campaign, "jun").entry.place for _ in range(2)]
    assert places == [3, 3]
    sale.store()
    assert returns.check_returned("sale").faults == []


def test_an_offer_that_lapses_or_is_declined_goes_to_the_next(
    sold_out: Make, strategy: str
) -> None:
    sale = sold_out(strategy=strategy, offer_hours=24)
    sale.join("jun", "mina", "carl")
    sale.revoke("ann")
    returns.give_on_everywhere()
    WaitlistEntry.objects.filter(user="jun").update(offer_until=timezone.now())
    with pytest.raises(NoOffer):
        waitlist.accept_offer(sale.campaign, "jun")
    returns.give_on_everywhere()
    assert entries() == {"jun": (1, "skipped"), "mina": (2, "offered"), "carl": (3, "waiting")}
    assert WaitlistEntry.objects.get(user="jun").reason == waitlist_turns.OFFER_LAPSED
    waitlist.leave_waitlist(sale.campaign, "mina")
    returns.give_on_everywhere()
    assert entries()["carl"] == (3, "offered")
    assert (Returned.objects.get().given_on, Campaign.objects.get().stock) == (1, 2)


# Redis loses data, fails over, and processes die


def test_a_redis_that_lost_everything_numbers_above_what_is_stored(sold_out: Make) -> None:
    sale = sold_out()
    sale.join("jun", "mina")
    returns.give_on_everywhere()
    store.store().client.flushall()
    rebuild.rebuild_campaign("sale", actor="Mina")
    assert sale.join("carl", "jun") == [3, 1]
    assert [sale.position(name) for name in ("jun", "mina", "carl")] == [1, 2, 3]


def test_a_server_that_lacks_the_last_ones_gives_no_number_twice(sold_out: Make) -> None:
    sale = sold_out()
    client: Any = store.store().client
    before = {name: client.dump(name) for name in client.keys("coupon:{sale}:*")}
    sale.join("jun", "mina")
    waitlist_storing.store_joined("sale")
    client.delete("coupon:{sale}:waitlist", "coupon:{sale}:joined")
    for name, value in before.items():
        client.restore(name, 0, value, replace=True)
    client.set(keys.SERVER, "another")
    assert failover.verify_server()
    assert sale.join("carl", "mina") == [3, 2]


def test_what_was_read_from_the_former_server_is_not_stored(sold_out: Make) -> None:
    sale = sold_out()
    sale.join("jun")
    batch = store.store().waitlist.read_joined("sale", count=10)
    rebuild.renew_campaign("sale", actor="Mina")
    waiters = [waiter for waiter in batch.waiters.values() if waiter]
    with pytest.raises(StaleClaims):
        waitlist_storing._write_batch("sale", waiters, batch.epoch)
    assert waitlist_storing.store_joined("sale") == 1  # read again, under the new epoch


def test_storing_twice_stores_once(sold_out: Make) -> None:
    sale = sold_out()
    sale.join("jun", "mina")
    batch = store.store().waitlist.read_joined("sale", count=10)
    waiters = [waiter for waiter in batch.waiters.values() if waiter]
    for _ in range(2):
        waitlist_storing._write_batch("sale", waiters, batch.epoch)
    assert waitlist_storing.store_joined("sale") == 2
    assert entries() == {"jun": (1, "waiting"), "mina": (2, "waiting")}


def test_an_entry_that_is_not_ours_blocks_nobody(sold_out: Make) -> None:
    sale = sold_out()
    client: Any = store.store().client
    client.xadd(keys.campaign_keys("sale").joined, {"x": "y"})
    sale.join("jun")
    assert waitlist_storing.store_joined("sale") == 1
    assert entries() == {"jun": (1, "waiting")}
