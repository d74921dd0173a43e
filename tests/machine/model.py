"""The model of a sale: which answers are allowed, and the invariants after every step."""

from collections import Counter
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from coupons.campaigns import lifecycle
from coupons.claims.values import Admission, Claim, Outcome
from coupons.errors import ForeignKeys, NotInstalled, OutcomeUnknown, StoreAway
from coupons.observability.metrics import Gap
from coupons.recovery import reconcile
from tests.machine.sale_world import ACTOR, SLUG, Rows, SaleWorld

# The last one is packed in Redis.
USERS = [*(f"user-{n}" for n in range(7)), "3f9c6a1e-77b0-4c2d-9a51-0d2f4b8e6c13"]
several = st.lists(st.sampled_from(USERS), min_size=1, max_size=4)
OPEN, PERHAPS, CLOSED = "open", "perhaps", "closed"


class SaleModel(RuleBasedStateMachine):
    """The answer to each claim, all claims ever sent, and whether the gate may be open.

    `gate` is CLOSED from the store's loss of memory until an operator begins a rebuild, PERHAPS
    while some repair is owed or has died: then others may finish it.
    """

    played: ClassVar[Counter[str]] = Counter()  # counts over all sales of this process

    world: SaleWorld

    @initialize(stock=st.integers(1, 12), per_user=st.integers(1, 2), early=several)
    def begin(self, stock: int, per_user: int, early: list[str]) -> None:
        self.world = SaleWorld(stock=stock, per_user=per_user)
        self.per_user, self.paused, self.gate = per_user, False, OPEN
        self.told: dict[Claim, Admission] = {}
        self.asked: set[Claim] = set()
        self.played["sales"] += 1
        self.everyone_claims(early)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self._settle()
                self._told_is_stored()
            finally:
                self.world.delete_all()

    def everyone_claims(self, who: list[str], *, second: bool = False) -> None:
        for user in who:
            self.one_claims(self.claim_of(user, second))

    def claim_of(self, user: str, second: bool) -> Claim:
        return Claim(user, 1 + (second and self.per_user > 1))

    def one_claims(self, claim: Claim) -> None:
        self.asked.add(claim)
        try:
            self._check_answer(claim, self.world.make_claim(claim))
        except NotInstalled:
            assert self.gate != OPEN
        except OutcomeUnknown:
            assert not self.world.confirming
        except StoreAway:
            pass

    def _check_answer(self, claim: Claim, admission: Admission) -> None:
        assert self.gate != CLOSED, f"{admission} of a store that lost its data"
        before = self.told.get(claim)
        if not admission.holds_a_place:
            assert before is None, f"{claim} had {before} and now gets {admission}"
            self._check_refusal(admission.outcome)
        elif before is None:
            self._check_admission(claim, admission)
        else:
            same = Admission(Outcome.ALREADY_CLAIMED, before.place, before.at_ms)
            assert admission == same, f"{claim} had {before} and now gets {admission}"

    def _check_refusal(self, outcome: Outcome) -> None:
        if outcome == Outcome.PAUSED:
            assert self.paused
        else:
            assert outcome == Outcome.SOLD_OUT
            assert self.world.read_gate().remaining == 0

    def _check_admission(self, claim: Claim, admission: Admission) -> None:
        assert admission.place <= self.world.read_stock()
        others = [other.place for other in self.told.values()]
        assert admission.place not in others, f"place {admission.place} was given twice"
        if (
            admission.outcome == Outcome.ADMITTED
        ):  # by this try, not by an earlier one whose answer was lost
            assert not self.paused
            assert admission.place > max(others, default=0), "below an earlier place"
        self.told[claim] = admission

    def set_paused(self, paused: bool) -> None:
        if paused == self.paused:
            return
        try:
            (lifecycle.pause_campaign if paused else lifecycle.resume_campaign)(SLUG, actor=ACTOR)
        except (NotInstalled, ForeignKeys):
            assert self.gate != OPEN
        else:
            self.paused = paused

    # What holds at any time, and when all work is done

    @invariant()
    def rows_match_the_answers(self) -> None:
        self.played["steps"] += 1
        rows, stock = self.world.stored_rows(), self.world.read_stock()
        self._no_more_than(stock, rows)
        assert rows.keys() <= self.asked, "a coupon that nobody claimed"
        for claim, (place, code) in rows.items():
            assert code == self.world.coupon_code(claim, place)
            assert self.told.get(claim, _at(place)).place == place

    def _no_more_than(self, stock: int, rows: Rows) -> None:
        places = [place for place, _ in rows.values()]
        assert len(rows) <= stock
        assert len(set(places)) == len({code for _, code in rows.values()}) == len(rows)
        assert all(1 <= place <= stock for place in places)

    def _settle(self) -> None:
        """Finish all work: the part of restarted workers, of beat and of the operators."""
        self.world.mend_link()
        while self.world.somebody_is_slow:
            self.world.store_what_was_read()
        for _ in range(3):
            self.world.run_sweep()
            self.world.run_reconcile()
        if not self.world.is_open:
            self.world.rebuild_campaign(None)
        self.gate = OPEN
        self.set_paused(False)
        self.everyone_claims(USERS)
        self.world.drain_all()
        reconcile.compare_campaign(SLUG, repair=True)
        self.world.drain_all()

    def _told_is_stored(self) -> None:
        rows, gate = self.world.stored_rows(), self.world.read_gate()
        for claim, admission in self.told.items():
            stored = (admission.place, self.world.coupon_code(claim, admission.place))
            assert rows.get(claim) == stored, (
                f"{claim} was told {admission}, stored: {rows.get(claim)}"
            )
        assert (gate.waiting, gate.parked) == (0, 0)
        report = reconcile.compare_campaign(SLUG)
        assert report.left == report.found[Gap.HOLE], report.differences
        assert len(rows) + report.found[Gap.HOLE] == gate.admitted
        self.played["told"] += len(self.told)
        self.played["stored"] += len(rows)


def _at(place: int) -> Admission:
    return Admission(Outcome.ADMITTED, place, 0)
