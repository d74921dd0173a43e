"""21: the next batch is read, and its rows are computed, while the current one is being stored; no
claim of either is lost or stored twice, whatever fails."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from coupons.admission import strategies
from coupons.claims.values import Claim, Reason
from coupons.errors import DatabaseAway, StoreAway
from coupons.issuing import queue, writer
from coupons.issuing.drain import drain
from coupons.models import Coupon
from coupons.store import keys, store
from tests.conftest import CampaignMaker, Settings

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.stores,
    pytest.mark.skipif(connection.vendor != "mysql", reason="SQLite keeps one batch at a time"),
]

Admit = Callable[[int], None]


@pytest.fixture
def admit(open_campaign: CampaignMaker, settings: Settings) -> Admit:
    """Admit so many users; batches are of ten."""
    settings.DRAIN_BATCH, settings.DRAIN_TAKE_OVER_MS = 10, 0
    campaign = open_campaign(stock=100)

    def admit_users(count: int) -> None:
        for number in range(count):
            strategies.admit(campaign, Claim(f"user-{number}"))

    return admit_users


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the drain does with batches, in its order."""
    done: list[str] = []
    read, insert, settle = queue.read_batch, writer.insert_rows, queue.settle_claims

    def read_batch(*args: Any, **kwargs: Any) -> queue.Batch:
        batch = read(*args, **kwargs)
        done.append(f"read {len(batch.claims)}")
        return batch

    def insert_rows(campaign: Any, claims: Any, *more: Any) -> None:
        insert(campaign, claims, *more)
        done.append(f"stored {len(claims)}")

    def settle_claims(slug: str, ids: list[str]) -> int | None:
        done.append(f"settled {len(ids)}")
        return settle(slug, ids)

    monkeypatch.setattr(queue, "read_batch", read_batch)
    monkeypatch.setattr(writer, "insert_rows", insert_rows)
    monkeypatch.setattr(queue, "settle_claims", settle_claims)
    return done


def waiting() -> int:
    return store().campaigns.gate("sale").waiting


def pending() -> int:
    """Claims that a consumer has read and not settled."""
    reply: Any = store().client.xpending(keys.campaign_keys("sale").queue, keys.GROUP)
    return int(reply["pending"])


def test_21_behind_a_full_batch_the_next_one_is_read_before_it_is_settled(
    admit: Admit, steps: list[str]
) -> None:
    admit(25)
    assert drain("sale", consumer="one").stored == 25
    assert steps.index("read 5") < steps.index("settled 5")
    assert sorted(steps[1:3]) == ["read 10", "stored 10"], "while the first was being stored"
    assert [step for step in steps if step.startswith("settled")] == [
        "settled 10", "settled 10", "settled 5",
    ]  # fmt: skip
    assert (waiting(), Coupon.objects.count()) == (0, 25)


def test_21_control_behind_a_batch_that_is_not_full_nothing_is_read_ahead(
    admit: Admit, steps: list[str]
) -> None:
    admit(9)
    drain("sale", consumer="one")
    assert steps[:3] == ["read 9", "stored 9", "settled 9"]


def test_21_a_worker_that_stops_stores_what_it_has_read(admit: Admit) -> None:
    admit(40)
    asked: list[bool] = []

    def stopping() -> bool:
        """From the second time on: a batch is read ahead then."""
        asked.append(len(asked) > 0)
        return asked[-1]

    done = drain("sale", consumer="one", stopping=stopping)
    assert (done.stored, done.left) == (20, True)
    assert (pending(), waiting()) == (0, 20)


def test_21_when_reading_ahead_fails_the_current_batch_is_stored(
    admit: Admit, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit(25)
    read, calls = queue.read_batch, []

    def read_batch(*args: Any, **kwargs: Any) -> queue.Batch:
        calls.append(args)
        if len(calls) == 2:
            raise StoreAway("no reply")
        return read(*args, **kwargs)

    with monkeypatch.context() as broken:
        broken.setattr(queue, "read_batch", read_batch)
        with pytest.raises(StoreAway):
            drain("sale", consumer="one")
    assert (Coupon.objects.count(), pending(), waiting()) == (10, 0, 15)
    assert drain("sale", consumer="one").stored == 15


def test_21_when_storing_fails_both_batches_are_taken_over(
    admit: Admit, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    admit(25)
    settings.DRAIN_PATIENCE_S = 0

    def gone(*_: Any) -> None:
        raise DatabaseAway("gone")

    with monkeypatch.context() as broken:
        broken.setattr(writer, "insert_rows", gone)
        with pytest.raises(DatabaseAway):
            drain("sale", consumer="dead")
    assert (pending(), waiting()) == (20, 25)
    assert drain("sale", consumer="survivor").stored == 25
    assert (Coupon.objects.count(), waiting()) == (25, 0)


def test_21_a_claim_of_a_batch_read_ahead_that_can_be_no_row_is_parked_alone(
    admit: Admit, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit(20)
    row = writer._row

    def odd_for_one(campaign: Any, claim: Any, to_column: Any) -> Any:
        if claim.user == "user-15":
            raise writer.UnwritableRow("a date out of range")
        return row(campaign, claim, to_column)

    monkeypatch.setattr(writer, "_row", odd_for_one)
    done = drain("sale", consumer="one")
    assert (done.stored, done.parked) == (19, 1)
    (parked,) = store().queue.parked_entries("sale")
    assert parked.fields[b"reason"].decode() == Reason.UNWRITABLE
