"""A sale as a state machine, run in orders that Hypothesis chooses; each protection has a negative
control.

The long form: MACHINE_EXAMPLES=2000 MACHINE_STEPS=50, see tests/README.md.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck
from hypothesis.stateful import run_state_machine_as_test

from coupons.admission import recent
from coupons.campaigns import update
from coupons.errors import ForeignKeys
from coupons.issuing import queue, writer
from coupons.issuing.queue import Batch
from coupons.models import Campaign
from coupons.store.admission import AdmissionCalls, Decision
from coupons.store.recovery import RecoveryCalls
from coupons.store.server_identity import Server
from tests.conftest import Settings
from tests.machine.sale_rules import SaleMachine

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "15"))
STEPS = int(os.environ.get("MACHINE_STEPS", "25"))


PLAYS = hypothesis.settings(
    max_examples=EXAMPLES, stateful_step_count=STEPS, derandomize=True, database=None,
    deadline=None, suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture(autouse=True)
def small_and_at_once(settings: Settings) -> None:
    settings.REDIS_WAIT_REPLICAS = 1
    settings.DRAIN_BATCH = 3
    settings.DRAIN_GATHER_S = 0
    settings.DRAIN_PATIENCE_S = 0
    settings.DRAIN_TAKE_OVER_MS = 0


@pytest.mark.stores
def test_a_sale_keeps_its_word_whatever_happens_in_whatever_order() -> None:
    SaleMachine.played.clear()
    run_state_machine_as_test(SaleMachine, settings=PLAYS)
    print(dict(SaleMachine.played))
    assert SaleMachine.played["told"] > 3 * EXAMPLES  # otherwise the runs prove nothing


def _settled_when_read(patch: pytest.MonkeyPatch) -> None:
    """Without the requeueing of reconcile, which would repair it."""
    patch.setattr(RecoveryCalls, "requeue_claim", lambda self, *asked: False)
    read = queue.read_batch

    def reading(slug: str, **asked: Any) -> Batch:
        batch = read(slug, **asked)
        queue.settle_claims(slug, list(batch.claims))
        return batch

    patch.setattr(queue, "read_batch", reading)


def _nobody_takes_over(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(queue, "take_over_batch", lambda slug, **asked: Batch())


def _stored_whatever_the_epoch(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(writer, "_lock_epoch", lambda campaign, epoch, claims: None)


def _whichever_server_answers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Server, "may_decide", property(lambda server: True))


def _told_without_a_replica(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(AdmissionCalls, "_await_replicas", lambda self, replies: replies)


def _nobody_testifies(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recent, "publish_admissions", lambda campaign: None)


def _a_missing_gate_is_a_new_one(patch: pytest.MonkeyPatch) -> None:
    admit = AdmissionCalls.admit

    def admitting(self: Any, slug: str, **asked: Any) -> Decision:
        decision = admit(self, slug, **asked)
        if decision.outcome != "not_installed":
            return decision
        with suppress(ForeignKeys):  # a campaign under repair has no missing gate
            update._install(Campaign.objects.get(slug=slug), is_first=True)
        return admit(self, slug, **asked)

    patch.setattr(AdmissionCalls, "admit", admitting)


def _a_drain_dies(sale: SaleMachine) -> None:
    sale.begin(stock=6, per_user=1, early=["user-0", "user-1"])
    sale.drain(consumer="one", dies="before the rows")


def _a_slow_worker_goes_on_after_a_rebuild(sale: SaleMachine) -> None:
    sale.begin(stock=6, per_user=1, early=[])
    sale.claim_and_never_hear(who=["user-0", "user-1"], second=False)
    sale.read_and_be_stopped()
    sale.lose_memory(restarted=False)
    sale.rebuild(dies=None)
    sale.claim(who=["user-2"], second=False)
    sale.go_on()


def _the_replica_lacks_what_is_stored(sale: SaleMachine) -> None:
    sale.begin(stock=6, per_user=1, early=["user-0"])
    sale.break_the_link()
    sale.claim(who=["user-1"], second=False)
    sale.drain(consumer="one", dies=None)
    sale.end_the_break(fails_over=True)
    sale.claim(who=["user-2"], second=False)


def _the_replica_lacks_what_was_decided(sale: SaleMachine) -> None:
    sale.begin(stock=6, per_user=1, early=["user-0"])
    sale.break_the_link()
    sale.claim(who=["user-1"], second=False)
    sale.end_the_break(fails_over=True)
    sale.claim(who=["user-2"], second=False)


def _its_memory_is_lost(sale: SaleMachine) -> None:
    sale.begin(stock=6, per_user=1, early=["user-0", "user-1"])
    sale.lose_memory(restarted=False)
    sale.rebuild(dies=None)


Order = Callable[[SaleMachine], None]
ORDERS: list[tuple[Callable[[pytest.MonkeyPatch], None], Order]] = [
    (_settled_when_read, _a_drain_dies),
    (_nobody_takes_over, _a_drain_dies),
    (_stored_whatever_the_epoch, _a_slow_worker_goes_on_after_a_rebuild),
    (_whichever_server_answers, _the_replica_lacks_what_is_stored),
    (_told_without_a_replica, _the_replica_lacks_what_was_decided),
    (_nobody_testifies, _its_memory_is_lost),
    (_a_missing_gate_is_a_new_one, _its_memory_is_lost),
]


def play_order(order: Order) -> None:
    """Run one order of steps, then check the invariants."""
    sale = SaleMachine()
    try:
        order(sale)
        sale.rows_match_the_answers()
    finally:
        sale.teardown()


@pytest.mark.parametrize("order", dict.fromkeys(order for _, order in ORDERS))
def test_it_keeps_its_word_in_these_orders(order: Order) -> None:
    play_order(order)


@pytest.mark.parametrize(("taken_out", "order"), ORDERS)
def test_negative_control_without_its_protection_it_is_seen_to_break_its_word(
    taken_out: Callable[[pytest.MonkeyPatch], None], order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_out(monkeypatch)
    with pytest.raises(AssertionError):
        play_order(order)
