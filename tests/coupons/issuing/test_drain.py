"""The drain: a claim is stored once, acknowledged after the commit, or parked with a reason."""

import threading
from typing import Any

import pytest
from django.db import OperationalError, connection

from coupons import store
from coupons.admission import strategies
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim, Reason
from coupons.database import availability
from coupons.errors import DatabaseAway
from coupons.issuing import queue, writer
from coupons.issuing.drain import drain
from coupons.models import Coupon, Tally
from coupons.store import keys
from tests.conftest import CampaignMaker, Person, Settings

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def admit_users(campaign: CampaignSnapshot, count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        strategies.admit(campaign, Claim(f"user-{number}"))


def read_gate() -> store.Gate:
    return store.store().campaigns.gate("sale")


def test_the_stored_values_are_those_of_the_answer(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=1200)
    told = {f"user-{n}": strategies.admit(campaign, Claim(f"user-{n}")) for n in range(1300)}
    done = drain("sale", consumer="one")
    assert (done.stored, done.parked, done.left) == (1200, 0, False)
    rows = {row.user: row for row in Coupon.objects.all()}
    assert {user: row.place for user, row in rows.items()} == {
        user: admission_.place for user, admission_ in told.items() if admission_.holds_a_place
    }
    assert sorted(row.place for row in rows.values()) == list(range(1, 1201))
    assert read_gate().waiting == 0
    assert Tally.objects.get().stored == 1200


def test_draining_twice_stores_once(open_campaign: CampaignMaker) -> None:
    admit_users(open_campaign(), 5)
    assert drain("sale", consumer="one").stored == 5
    again = drain("sale", consumer="one")
    assert (again.stored, again.repeated) == (0, 0)


def test_two_drains_at_once_store_once(open_campaign: CampaignMaker, settings: Settings) -> None:
    settings.DRAIN_BATCH = 20
    admit_users(open_campaign(stock=400), 400)
    done = []

    def drain_in_thread(name: str) -> None:
        try:
            done.append(drain("sale", consumer=name))
        finally:
            connection.close()

    threads = [threading.Thread(target=drain_in_thread, args=(f"worker-{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(d.stored for d in done) == 400
    assert Coupon.objects.count() == Tally.objects.get().stored == 400


def queued_by_another_hand(**fields: Any) -> None:
    client: Any = store.store().client
    client.xadd(keys.campaign_keys("sale").queue, fields)


def test_poison_is_parked_with_its_reason_and_the_others_are_stored(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=10)
    admit_users(campaign, 4)
    queued_by_another_hand(nonsense="yes")
    queued_by_another_hand(u="thief", n=1, p=1, t=1_795_000_000_000)
    queued_by_another_hand(u="late", n=1, p=11, t=1_795_000_000_000)
    queued_by_another_hand(u=b"\xff\xfe", n=1, p=9, t=1_795_000_000_000)
    queued_by_another_hand(u="x" * 129, n=1, p=9, t=1_795_000_000_000)
    admit_users(campaign, 2, start=4)
    done = drain("sale", consumer="one")
    assert (done.stored, done.parked) == (6, 5)
    parked = [entry.fields for entry in store.store().queue.parked_entries("sale")]
    assert sorted(fields[b"reason"].decode() for fields in parked) == [
        Reason.BEYOND_STOCK, Reason.PLACE_TAKEN,
        Reason.UNREADABLE, Reason.UNREADABLE, Reason.UNREADABLE,
    ]  # fmt: skip
    thief = next(fields for fields in parked if fields[b"reason"] == b"place_taken")
    assert (thief[b"u"], thief[b"p"]) == (b"thief", b"1")
    assert (read_gate().waiting, read_gate().parked) == (0, 5)


def test_a_claim_is_parked_once_however_many_try(open_campaign: CampaignMaker) -> None:
    open_campaign()
    queued_by_another_hand(nonsense="yes")
    batch = queue.read_batch("sale", consumer="one", count=10)
    assert queue.park_claim("sale", batch.unreadable[0], Reason.UNREADABLE)
    assert not queue.park_claim("sale", batch.unreadable[0], Reason.UNREADABLE)
    assert read_gate().parked == 1


def test_what_a_dead_worker_had_read_is_taken_over(
    open_campaign: CampaignMaker, settings: Settings
) -> None:
    settings.DRAIN_TAKE_OVER_MS = 0
    admit_users(open_campaign(), 3)
    assert len(queue.read_batch("sale", consumer="dead", count=10).claims) == 3
    assert drain("sale", consumer="alive").stored == 3
    assert read_gate().waiting == 0


def test_what_a_living_worker_has_is_left_to_it_for_a_while(
    open_campaign: CampaignMaker, settings: Settings
) -> None:
    settings.DRAIN_TAKE_OVER_MS = 60_000
    admit_users(open_campaign(), 3)
    queue.read_batch("sale", consumer="busy", count=10)
    assert drain("sale", consumer="idle").stored == 0
    assert read_gate().waiting == 3


def test_a_worker_that_is_done_leaves_no_name_behind_but_one_that_failed_does(
    open_campaign: CampaignMaker,
) -> None:
    admit_users(open_campaign(), 3)
    drain("sale", consumer="done")
    queue_name = keys.campaign_keys("sale").queue
    assert store.store().client.xinfo_consumers(queue_name, keys.GROUP) == []
    admit_users(open_campaign("other"), 3)
    queue.read_batch("other", consumer="dead", count=2)
    assert not store.store().queue.leave_group("other", consumer="dead")


def test_a_database_that_is_away_leaves_the_claims_in_the_queue(
    open_campaign: CampaignMaker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DRAIN_PATIENCE_S = 0.05
    settings.DRAIN_TAKE_OVER_MS = 0
    admit_users(open_campaign(), 3)
    with monkeypatch.context() as broken:
        broken.setattr(writer, "insert_rows", _gone_away)
        with pytest.raises(DatabaseAway):
            drain("sale", consumer="one")
    assert read_gate().waiting == 3
    availability.breaker().succeeded()  # or wait until the breaker closes
    assert drain("sale", consumer="two").stored == 3


def test_a_deadlock_is_tried_again(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit_users(open_campaign(), 3)
    insert, calls = writer.insert_rows, []

    def once_in_the_way(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 1:
            raise OperationalError(1213, "Deadlock found when trying to get lock")
        insert(*args)

    monkeypatch.setattr(writer, "insert_rows", once_in_the_way)
    assert drain("sale", consumer="one").stored == 3
    assert len(calls) == 2


def _gone_away(*_: Any) -> None:
    raise OperationalError(2006, "Server has gone away")


def test_the_request_that_got_the_place_stands_in_its_row(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    """A repetition with another request id changes nothing."""
    open_campaign(strategy=strategy)
    jun = Person("jun")
    for request in ("shop-1", "shop-2"):
        path = "/api/v1/campaigns/sale/claims"
        headers = {"X-Request-Id": request}
        jun.client.post(path, content_type="application/json", headers=headers)
    made = Person("mina").claims()["X-Request-Id"]
    if strategy == "queued":
        drain("sale", consumer="test")
    rows = dict(Coupon.objects.values_list("user", "request_id"))
    assert rows == {"jun": "shop-1", "mina": made}
