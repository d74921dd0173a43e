"""A claim that a drain can't store is parked with a reason and not retried forever; the other
claims of its batch are stored (issue 12, A4 and 21)."""

import re
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.db import ProgrammingError, connection

from coupons import store, tasks
from coupons.admission import strategies
from coupons.campaigns import lookup
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.timestamps import LAST_MS
from coupons.claims.values import AdmittedClaim, Claim, Reason
from coupons.issuing import writer
from coupons.issuing.drain import drain
from coupons.models import Coupon, Tally
from coupons.recovery import reconcile
from coupons.store import keys
from tests.conftest import CampaignMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def parked_reasons(slug: str = "sale") -> list[str]:
    return [entry.fields[b"reason"].decode() for entry in store.store().queue.parked_entries(slug)]


def rewrite_snapshot(**changed: Any) -> None:
    """Change the campaign's snapshot in Redis."""
    gate = keys.campaign_keys("sale").gate
    said = orjson.loads(store.store().client.hget(gate, "facts") or b"{}")
    store.store().client.hset(gate, "facts", orjson.dumps(said | changed))
    lookup.clear_snapshots()


@pytest.mark.parametrize(
    "changed",
    [
        {"valid_until_ms": LAST_MS + 1},
        {"valid_until_ms": 2**62},
        {"valid_until_ms": -(2**62)},
    ],
    ids=str,
)
def test_facts_in_redis_that_no_campaign_can_have_are_read_from_mysql(
    open_campaign: CampaignMaker, changed: dict[str, Any]
) -> None:
    sale = open_campaign()
    rewrite_snapshot(**changed)
    for user in ("mina", "jun", "sora"):
        strategies.admit(sale, Claim(user))
    tasks.drain("sale")
    assert parked_reasons() == []
    assert (Coupon.objects.count(), store.store().campaigns.gate("sale").waiting) == (3, 0)


def test_an_impossible_campaign_has_its_claims_parked_and_named(
    open_campaign: CampaignMaker, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    sale = open_campaign()
    monkeypatch.setattr(CampaignSnapshot, "expires_ms", lambda *_: LAST_MS + 1)
    for user in ("mina", "jun", "sora"):
        strategies.admit(sale, Claim(user))
    tasks.drain("sale")
    assert parked_reasons() == [Reason.UNWRITABLE] * 3
    assert (Coupon.objects.count(), store.store().campaigns.gate("sale").waiting) == (0, 0)
    lines = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(lines) == 3
    assert all(re.search(r"\bsale\b.*unwritable", line) for line in lines)
    tasks.drain("sale")
    assert len(parked_reasons()) == 3
    assert reconcile.reconcile_campaigns() == [], "a parked claim is no difference"


def test_one_claim_that_no_calendar_can_hold_takes_no_other_along(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = open_campaign()
    expires_ms = CampaignSnapshot.expires_ms
    for user in ("mina", "jun", "sora", "late"):
        at_ms = strategies.admit(sale, Claim(user)).at_ms
        time.sleep(0.002)
    monkeypatch.setattr(
        CampaignSnapshot,
        "expires_ms",
        lambda self, ms: 2**62 if ms == at_ms else expires_ms(self, ms),
    )
    done = drain("sale", consumer="one")
    assert (done.stored, done.parked) == (3, 1)
    assert parked_reasons() == [Reason.UNWRITABLE]
    assert Tally.objects.get().stored == 3


def admitted_claims(*places: int) -> list[AdmittedClaim]:
    return [AdmittedClaim(f"user-{place}", 1, place, 1_795_000_000_000) for place in places]


def failing_insert(for_user: str, error: Exception) -> Callable[..., Any]:
    insert = writer.insert_rows

    def insert_or_fail(campaign: CampaignSnapshot, batch: list[AdmittedClaim], *more: Any) -> None:
        if any(claim.user == for_user for claim in batch) or for_user == "everybody":
            raise error
        insert(campaign, batch, *more)

    return insert_or_fail


def refuse_insert_for(for_user: str, error: Exception) -> Callable[..., Any]:
    """A driver that can't take this user's row: a wrapper around its statements."""

    def execute_or_fail(driver: Any, sql: str, rows: Any, many: bool, context: Any) -> Any:
        users = [row[1] for row in rows] if many else []
        if for_user in users or f"X'{for_user.encode().hex()}'" in sql:
            raise error
        return driver(sql, rows, many, context)

    return execute_or_fail


@pytest.mark.parametrize(
    "error",
    [OverflowError("Python int too large to convert to SQLite INTEGER"), ValueError("odd"),
     ProgrammingError(9999, "never heard of")],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("culprit", [1, 4, 7])
def test_a_claim_that_the_driver_can_not_take_is_singled_out(
    open_campaign: CampaignMaker, error: Exception, culprit: int
) -> None:
    sale = open_campaign()
    with connection.execute_wrapper(refuse_insert_for(f"user-{culprit}", error)):
        verdict = writer.store_batch(sale, admitted_claims(1, 2, 3, 4, 5, 6, 7), epoch=None)
    assert [claim.place for claim in verdict.refused] == [culprit]
    assert sorted(claim.place for claim in verdict.stored) == sorted({*range(1, 8)} - {culprit})


def raising_function(error: Exception) -> Callable[..., Any]:
    def raise_error(*_: Any, **__: Any) -> Any:
        raise error

    return raise_error


OURS = {
    "the code": (CampaignSnapshot, "code_of"),
    "the epoch's lock": (writer, "_lock_epoch"),
    "the read-back": (writer, "_existing_rows"),
    "the identity": (writer, "_identity"),
    "the whole": (writer, "insert_rows"),
}


@pytest.mark.parametrize("waiting", [1, 3])
@pytest.mark.parametrize("where", OURS)
@pytest.mark.parametrize(
    "error",
    [TypeError("a fault of ours"), ValueError("a fault of ours"), KeyError("a fault of ours")],
    ids=lambda error: type(error).__name__,
)
def test_14_10_a_fault_of_our_own_parks_no_claim_and_is_loud(
    open_campaign: CampaignMaker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    where: str,
    waiting: int,
) -> None:
    """Claims wait, and are stored once it is repaired; no replay by hand is needed."""
    sale = open_campaign()
    for user in ("mina", "jun", "sora")[:waiting]:
        strategies.admit(sale, Claim(user))
    with monkeypatch.context() as broken:
        broken.setattr(*OURS[where], raising_function(error))
        tasks.drain("sale")
    assert (parked_reasons(), store.store().campaigns.gate("sale").waiting) == ([], waiting)
    assert "a fault of ours" in str(store.store().wakeups.drain_failures(["sale"])["sale"])
    assert [record for record in caplog.records if record.levelname == "ERROR" and record.exc_info]
    monkeypatch.setattr("django.conf.settings.DRAIN_TAKE_OVER_MS", 1)
    tasks.drain("sale")
    assert Coupon.objects.count() == waiting


def test_an_error_that_meets_every_claim_is_no_claims_fault_and_parks_none(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example a missing column: claims wait, and are stored once it exists."""
    sale = open_campaign()
    for user in ("mina", "jun", "sora"):
        strategies.admit(sale, Claim(user))
    with monkeypatch.context() as broken:
        broken.setattr(
            writer, "insert_rows", failing_insert("everybody", ProgrammingError(1054, "column"))
        )
        tasks.drain("sale")
    assert (parked_reasons(), store.store().campaigns.gate("sale").waiting) == ([], 3)
    assert store.store().wakeups.drain_failures(["sale"])["sale"] is not None
    monkeypatch.setattr("django.conf.settings.DRAIN_TAKE_OVER_MS", 1)
    tasks.drain("sale")
    assert Coupon.objects.count() == 3
