"""The sale as a state machine: what may happen next, what a model says of it, and what must hold
whatever happened. Hypothesis finds the orders in which it happens.
"""

from collections import Counter
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from coupons import campaigns, reconcile
from coupons.claims import Admission, Claim, Outcome
from coupons.errors import (
    ForeignKeys,
    NotInstalled,
    OutcomeUnknown,
    StaleClaims,
    StockBelowAdmitted,
    StoreAway,
)
from coupons.metrics import Gap
from tests.machine.world import ACTOR, DRAINS, REPAIRS, SLUG, Rows, World

# The last one is packed in Redis.
USERS = [*(f"user-{n}" for n in range(7)), "3f9c6a1e-77b0-4c2d-9a51-0d2f4b8e6c13"]
several = st.lists(st.sampled_from(USERS), min_size=1, max_size=4)
OPEN, PERHAPS, CLOSED = "open", "perhaps", "closed"
either = st.booleans()


def or_none(points: dict[str, Any]) -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), st.sampled_from(sorted(points)))


class SaleMachine(RuleBasedStateMachine):
    """The model: what each claim was told, who ever asked, and whether the gate may be open.

    `gate` is CLOSED from the store's loss of memory until an operator begins a rebuild, PERHAPS
    while some repair is owed or has died: then others may finish it.
    """

    played: ClassVar[Counter[str]] = Counter()  # of all sales of this process

    world: World

    @initialize(stock=st.integers(1, 12), per_user=st.integers(1, 2), early=several)
    def begin(self, stock: int, per_user: int, early: list[str]) -> None:
        self.world = World(stock=stock, per_user=per_user)
        self.per_user, self.paused, self.gate = per_user, False, OPEN
        self.told: dict[Claim, Admission] = {}
        self.asked: set[Claim] = set()
        self.played["sales"] += 1
        self.claim(early, second=False)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self._settle()
                self._told_is_stored()
            finally:
                self.world.end()

    # People

    @rule(who=several, second=either)
    def claim(self, who: list[str], second: bool) -> None:
        for user in who:
            self._claim(self._one(user, second))

    @rule(second=either)
    def everybody_claims(self, second: bool) -> None:
        self.claim(USERS, second)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def claim_again(self, data: st.DataObject) -> None:
        self._claim(data.draw(st.sampled_from(list(self.told))))

    @rule(who=several, second=either)
    def claim_and_never_hear(self, who: list[str], second: bool) -> None:
        for user in who:
            self.asked.add(claim := self._one(user, second))
            self.world.claim_unheard(claim)

    def _one(self, user: str, second: bool) -> Claim:
        return Claim(user, 1 + (second and self.per_user > 1))

    def _claim(self, claim: Claim) -> None:
        self.asked.add(claim)
        try:
            self._heard(claim, self.world.claim(claim))
        except NotInstalled:
            assert self.gate != OPEN
        except OutcomeUnknown:
            assert not self.world.confirming
        except StoreAway:
            pass

    def _heard(self, claim: Claim, said: Admission) -> None:
        assert self.gate != CLOSED, f"{said} of a store without memory"
        before = self.told.get(claim)
        if not said.holds_a_place:
            assert before is None, f"{claim} had {before} and hears {said}"
            self._refused(said.outcome)
        elif before is None:
            self._told(claim, said)
        else:
            same = Admission(Outcome.ALREADY_CLAIMED, before.place, before.at_ms)
            assert said == same, f"{claim} had {before} and hears {said}"

    def _refused(self, outcome: Outcome) -> None:
        if outcome == Outcome.PAUSED:
            assert self.paused
        else:
            assert outcome == Outcome.SOLD_OUT
            assert self.world.gate().remaining == 0

    def _told(self, claim: Claim, said: Admission) -> None:
        assert said.place <= self.world.stock()
        others = [other.place for other in self.told.values()]
        assert said.place not in others, f"place {said.place} is told to two"
        if said.outcome == Outcome.ADMITTED:  # now, and not by an earlier try that nobody heard of
            assert not self.paused
            assert said.place > max(others, default=0), "behind whoever came before"
        self.told[claim] = said

    # Workers

    @rule(consumer=st.sampled_from(["one", "two"]), dies=or_none(DRAINS))
    def drain(self, consumer: str, dies: str | None) -> None:
        try:
            self.world.drain(consumer, dies)
        except StaleClaims:  # Redis is behind MySQL, until somebody finds out
            assert self.gate == PERHAPS
        except StoreAway:  # no queue
            assert self.gate != OPEN

    @rule()
    def read_and_be_stopped(self) -> None:
        try:
            self.world.read_slowly()
        except StoreAway:
            assert self.gate != OPEN

    @precondition(lambda self: self.world.somebody_is_slow)
    @rule()
    def go_on(self) -> None:
        self.world.store_what_was_read()

    # Operators and beat

    @rule(stock=st.integers(1, 14))
    def change_stock(self, stock: int) -> None:
        try:
            campaigns.change_stock(SLUG, stock=stock, actor=ACTOR)
        except StockBelowAdmitted:
            assert self.gate != OPEN or stock < self.world.gate().admitted
        except (NotInstalled, ForeignKeys):
            assert self.gate != OPEN

    @precondition(lambda self: not self.paused)
    @rule(who=several, stays=st.sampled_from([False, False, True]))
    def pause(self, who: list[str], stays: bool) -> None:
        self._pause(True)
        self.claim(who, second=False)
        if not stays:
            self.resume()

    @precondition(lambda self: self.paused)
    @rule()
    def resume(self) -> None:
        self._pause(False)

    def _pause(self, paused: bool) -> None:
        if paused == self.paused:
            return
        try:
            (campaigns.pause if paused else campaigns.resume)(SLUG, actor=ACTOR)
        except (NotInstalled, ForeignKeys):
            assert self.gate != OPEN
        else:
            self.paused = paused

    @rule(dies=or_none(REPAIRS))
    def rebuild(self, dies: str | None) -> None:
        self.world.rebuild(dies)
        self.gate = OPEN if self.world.is_open else PERHAPS

    @precondition(lambda self: self.gate != OPEN)
    @rule()
    def rebuild_at_last(self) -> None:
        self.rebuild(None)

    @precondition(lambda self: self.gate != CLOSED)
    @rule(dies=or_none(REPAIRS))
    def bump_the_epoch(self, dies: str | None) -> None:
        self.world.renew(dies)
        self.gate = OPEN if self.world.is_open else PERHAPS

    @rule()
    def sweep(self) -> None:
        self.world.sweep()
        self._perhaps_open()

    @rule()
    def reconcile(self) -> None:
        self.world.reconcile()
        self._perhaps_open()

    def _perhaps_open(self) -> None:
        """Nobody but an operator opens what Redis does not know any more."""
        assert self.gate != CLOSED or not self.world.is_open

    # The store

    @precondition(lambda self: self.world.confirming)
    @rule(restarted=either)
    def lose_memory(self, restarted: bool) -> None:
        self.world.empty(restarted=restarted)
        self.gate = CLOSED
        for _ in range(3):  # a connection that was cut says nothing of the store
            self._claim(Claim("passer-by"))  # the web process notices, and leaves its testimony

    @rule()
    def restart(self) -> None:
        self.world.restart()

    @rule()
    def forget_scripts(self) -> None:
        self.world.forget_scripts()

    @precondition(lambda self: self.world.confirming and self.gate != CLOSED)
    @rule()
    def break_the_link(self) -> None:
        self.world.break_link()

    @precondition(lambda self: not self.world.confirming)
    @rule(fails_over=either)
    def end_the_break(self, fails_over: bool) -> None:
        if fails_over:
            self.world.fail_over()
            self.gate = PERHAPS
        else:
            self.world.mend_link()

    # What holds at any time, and when all has come to rest

    @invariant()
    def the_rows_keep_the_word(self) -> None:
        self.played["steps"] += 1
        rows, stock = self.world.rows(), self.world.stock()
        self._no_more_than(stock, rows)
        assert rows.keys() <= self.asked, "somebody's who never asked"
        for claim, (place, code) in rows.items():
            assert code == self.world.code(claim, place)
            assert self.told.get(claim, _at(place)).place == place

    def _no_more_than(self, stock: int, rows: Rows) -> None:
        places = [place for place, _ in rows.values()]
        assert len(rows) <= stock
        assert len(set(places)) == len({code for _, code in rows.values()}) == len(rows)
        assert all(1 <= place <= stock for place in places)

    def _settle(self) -> None:
        """All is well again: what died was started anew, and everybody did their work."""
        self.world.mend_link()
        while self.world.somebody_is_slow:
            self.world.store_what_was_read()
        for _ in range(3):
            self.world.sweep()
            self.world.reconcile()
        if not self.world.is_open:
            self.world.rebuild(None)
        self.gate = OPEN
        self.resume()
        self.claim(USERS, second=False)
        self.world.drain_all()
        reconcile.compare(SLUG, repair=True)
        self.world.drain_all()

    def _told_is_stored(self) -> None:
        rows, gate = self.world.rows(), self.world.gate()
        for claim, said in self.told.items():
            stored = (said.place, self.world.code(claim, said.place))
            assert rows.get(claim) == stored, f"{claim} was told {said}, stored: {rows.get(claim)}"
        assert (gate.waiting, gate.parked) == (0, 0)
        report = reconcile.compare(SLUG)
        assert report.left == report.found[Gap.HOLE], report.differences
        assert len(rows) + report.found[Gap.HOLE] == gate.admitted
        self.played["told"] += len(self.told)
        self.played["stored"] += len(rows)


def _at(place: int) -> Admission:
    return Admission(Outcome.ADMITTED, place, 0)
