"""One sale on the real stores, and the events that can happen to it, one after another.

Where a process dies, `ProcessDied` passes through the product's code: an open transaction is rolled
back, a committed one stays. Where a replica is promoted, the store gets back its data of the moment
when its link broke, a new replication id, and every connection ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from unittest import mock

from django.db import transaction
from django.utils import timezone

from coupons import tasks
from coupons.admission import recent, strategies
from coupons.broker import wakeups
from coupons.campaigns import lifecycle, lookup
from coupons.claims.values import Admission, Claim
from coupons.errors import CouponError, StaleClaims
from coupons.issuing import drain, queue, writer
from coupons.issuing.queue import Batch
from coupons.models import Campaign, CampaignEvent, Coupon, GivenUp, Slot, Tally
from coupons.recovery import lost_admissions, rebuild, reconcile
from coupons.runtime import runtime
from coupons.store import Gate, store
from coupons.store import admission as deciding
from coupons.store.client import packed_command
from coupons.store.recovery import RecoveryCalls
from tests.harness import disposable

SLUG, ACTOR = "sale", "Mina"
Rows = dict[Claim, tuple[int, str]]  # place and code


class ProcessDied(BaseException):
    """The process ends at this line."""


# The points at which a drain or a repair may die.
DRAINS = {
    "before the rows": (writer, "insert_rows", "before"),
    "among the rows": (writer, "_existing_rows", "before"),
    "behind the commit": (writer, "insert_rows", "after"),
    "behind the settling": (queue, "settle_claims", "after"),
}
REPAIRS = {
    "closed": (rebuild._Rebuild, "_close", "after"),
    "some remembered": (RecoveryCalls, "write_claimants", "after"),
    "before it opens": (rebuild._Rebuild, "_open", "before"),
    "open": (rebuild._Rebuild, "_open", "after"),
    "put back": (lost_admissions, "requeue_lost", "after"),
}


@contextmanager
def die_at(points: dict[str, tuple[Any, str, str]], point: str | None) -> Iterator[None]:
    """In the block the process dies at that point; None: it does not die."""
    if point is None:
        yield
        return
    owner, name, when = points[point]
    original = getattr(owner, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            original(*args, **kwargs)
        raise ProcessDied

    with mock.patch.object(owner, name, call), suppress(ProcessDied):
        yield


class SaleWorld:
    """A new, open sale in empty stores. `confirming`: the number of replicas that answer WAIT."""

    def __init__(self, *, stock: int, per_user: int) -> None:
        self.redis: Any = store().client
        self.confirming = 1
        self._behind: dict[bytes, bytes] | None = (
            None  # the replica's data while its link is broken
        )
        self._held: list[Batch] = []
        self._replaced: list[Any] = [
            mock.patch.object(
                wakeups, "_send", lambda *_, **__: True
            ),  # drains are steps of their own
            mock.patch.object(deciding, "_wait_command", self._wait),
        ]
        for each in self._replaced:
            each.start()
        self._forget_all()
        now = timezone.now()
        lifecycle.save_draft(
            Campaign(
                slug=SLUG, name=SLUG, stock=stock, per_user=per_user, discount_value=10,
                valid_days=30, opens_at=now - timedelta(seconds=1),
                closes_at=now + timedelta(hours=9),
            ),
            actor=ACTOR,
        )  # fmt: skip
        self.id = lifecycle.schedule_campaign(SLUG, actor=ACTOR).pk

    def delete_all(self) -> None:
        for each in self._replaced:
            each.stop()
        with transaction.atomic():
            for model in (Coupon, GivenUp, Tally, CampaignEvent, Campaign, Slot):
                model.objects.all().delete()

    def _forget_all(self) -> None:
        disposable.empty_redis(self.redis)
        runtime.start_fresh()

    def _new_process(self) -> None:
        """Start new web processes. The recent admissions stand for those of all of them, and the
        worker that compares the stores has not ended."""
        recent.recent_admissions.current.next_publish_s.clear()
        kept = {state: state.current for state in (recent.recent_admissions, reconcile.rounds)}
        runtime.start_fresh()
        for state, current in kept.items():
            state.current = current

    def _wait(self) -> bytes:
        """Replaces WAIT: as if `confirming` replicas had confirmed."""
        return packed_command("EVAL", f"return {self.confirming}", 0)

    # What people do

    def make_claim(self, claim: Claim) -> Admission:
        return strategies.admit(lookup.find_snapshot(SLUG), claim)

    def claim_unheard(self, claim: Claim) -> None:
        """The web process dies between the script and the answer: no answer, no wake-up."""
        about = lookup.find_snapshot(SLUG)
        with suppress(CouponError):
            store().admission.admit(
                SLUG, user=claim.user, nth=claim.nth, per_user=about.per_user,
                filter_blocks=about.filter_blocks,
            )  # fmt: skip

    # What workers do

    def run_drain(self, consumer: str, dies: str | None) -> None:
        with die_at(DRAINS, dies):
            drain.drain(SLUG, consumer=consumer)

    def drain_all(self) -> None:
        """As beat does while claims wait: each drain takes over one batch of a dead worker."""
        for _ in range(10):
            self.run_drain("last", None)
            if not self.read_gate().waiting:
                return

    def read_slowly(self) -> None:
        """A worker reads a batch and is then stopped for a while."""
        batch = queue.read_batch(SLUG, consumer="slow", count=3)
        if batch:
            self._held.append(batch)

    def store_what_was_read(self) -> None:
        batch = self._held.pop(0)
        with suppress(StaleClaims):
            drain._process_batch(lookup.find_snapshot(SLUG), batch, drain.Drained())

    @property
    def somebody_is_slow(self) -> bool:
        return bool(self._held)

    # What operators do, and beat

    def rebuild_campaign(self, dies: str | None) -> None:
        with die_at(REPAIRS, dies):
            rebuild.rebuild_campaign(SLUG, actor=ACTOR)

    def renew_campaign(self, dies: str | None) -> None:
        with die_at(REPAIRS, dies):
            rebuild.renew_campaign(SLUG, actor=ACTOR)

    def run_sweep(self) -> None:
        tasks.sweep()

    def run_reconcile(self) -> None:
        reconcile.reconcile_campaigns()

    # What happens to the store

    def empty_store(self, *, restarted: bool) -> None:
        """Redis loses its data."""
        disposable.empty_redis(self.redis)
        if restarted:
            self._another_server()
        self._new_process()

    def restart_server(self) -> None:
        """A restart with the append-only file: the same data, another replication id."""
        self._another_server()
        self._new_process()

    def break_link(self) -> None:
        """From now on no replica confirms, and the replica keeps its present data."""
        self.confirming = 0
        self._behind = {name: self.redis.dump(name) for name in self.redis.keys("coupon:*")}

    def mend_link(self) -> None:
        self.confirming, self._behind = 1, None

    def fail_over(self) -> None:
        """The replica is promoted with its data, whatever the thread that writes notes of refusals
        has sent since."""
        assert self._behind is not None
        disposable.empty_redis(self.redis)
        for name, held in self._behind.items():
            self.redis.restore(name, 0, held, replace=True)
        self._another_server()
        self.mend_link()
        self._new_process()

    def forget_scripts(self) -> None:
        self.redis.script_flush()

    def _another_server(self) -> None:
        """A promoted server has a new replication id, and all connections end."""
        self.redis.replicaof("127.0.0.1", 1)
        self.redis.replicaof("NO", "ONE")
        self.redis.client_kill_filter(_type="normal", skipme=True)

    # What stands there

    @property
    def is_open(self) -> bool:
        return bool(store().recovery.gate_marks([SLUG])[SLUG].epoch)

    def read_gate(self) -> Gate:
        return store().campaigns.gate(SLUG)

    def read_stock(self) -> int:
        return Campaign.objects.get(pk=self.id).stock

    def stored_rows(self) -> Rows:
        """The stored coupons by claim. Raises AssertionError if a claim has two."""
        found = list(Coupon.objects.values_list("user", "nth", "place", "code"))
        held = {Claim(user, nth): (place, code) for user, nth, place, code in found}
        assert len(held) == len(found), f"a claim has two coupons: {found}"
        return held

    def coupon_code(self, claim: Claim, place: int) -> str:
        return lookup.find_snapshot(SLUG).code_of(user=claim.user, nth=claim.nth, place=place)
