"""The sale as a state machine: the rules, which Hypothesis runs in orders of its choice."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from coupons.campaigns import lifecycle
from coupons.claims.values import Claim
from coupons.errors import ForeignKeys, NotInstalled, StaleClaims, StockBelowAdmitted, StoreAway
from tests.machine.model import CLOSED, OPEN, PERHAPS, USERS, SaleModel, several
from tests.machine.sale_world import ACTOR, DRAINS, REPAIRS, SLUG

either = st.booleans()
Rule = Callable[..., None]


def or_none(points: dict[str, Any]) -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), st.sampled_from(sorted(points)))


def only_if(condition: Callable[[Any], Any]) -> Callable[[Rule], Rule]:
    """If the condition is false, everybody claims instead. Hypothesis' own preconditions require
    that the same choices lead to the same state; here an answer may depend on a store's speed.
    """

    def conditional(rule: Rule) -> Rule:
        @wraps(rule)
        def play(self: SaleModel, **chosen: Any) -> None:
            if condition(self):
                rule(self, **chosen)
            else:
                self.everyone_claims(USERS)

        return play

    return conditional


class SaleMachine(SaleModel):
    # People

    @rule(who=several, second=either)
    def claim(self, who: list[str], second: bool) -> None:
        self.everyone_claims(who, second=second)

    @rule(second=either)
    def everybody_claims(self, second: bool) -> None:
        self.everyone_claims(USERS, second=second)

    @rule(which=st.integers(0, 99))
    @only_if(lambda self: self.told)
    def claim_again(self, which: int) -> None:
        self.one_claims(list(self.told)[which % len(self.told)])

    @rule(who=several, second=either)
    def claim_and_never_hear(self, who: list[str], second: bool) -> None:
        for user in who:
            self.asked.add(claim := self.claim_of(user, second))
            self.world.claim_unheard(claim)

    # Workers

    @rule(consumer=st.sampled_from(["one", "two"]), dies=or_none(DRAINS))
    def drain(self, consumer: str, dies: str | None) -> None:
        try:
            self.world.run_drain(consumer, dies)
        except StaleClaims:  # Redis is behind MySQL, until a repair finds it
            assert self.gate == PERHAPS
        except StoreAway:  # no queue
            assert self.gate != OPEN

    @rule()
    def read_and_be_stopped(self) -> None:
        try:
            self.world.read_slowly()
        except StoreAway:
            assert self.gate != OPEN

    @rule()
    @only_if(lambda self: self.world.somebody_is_slow)
    def go_on(self) -> None:
        self.world.store_what_was_read()

    # Operators and beat

    @rule(stock=st.integers(1, 14))
    def change_stock(self, stock: int) -> None:
        try:
            lifecycle.change_stock(SLUG, stock=stock, actor=ACTOR)
        except StockBelowAdmitted:
            assert self.gate != OPEN or stock < self.world.read_gate().admitted
        except (NotInstalled, ForeignKeys):
            assert self.gate != OPEN

    @rule(who=several, stays=st.sampled_from([False, False, True]))
    @only_if(lambda self: not self.paused)
    def pause(self, who: list[str], stays: bool) -> None:
        self.set_paused(True)
        self.everyone_claims(who)
        if not stays:
            self.resume()

    @rule()
    @only_if(lambda self: self.paused)
    def resume(self) -> None:
        self.set_paused(False)

    @rule(dies=or_none(REPAIRS))
    def rebuild(self, dies: str | None) -> None:
        self.world.rebuild_campaign(dies)
        self.gate = OPEN if self.world.is_open else PERHAPS

    @rule()
    @only_if(lambda self: self.gate != OPEN)
    def rebuild_at_last(self) -> None:
        self.rebuild(None)

    @rule(dies=or_none(REPAIRS))
    @only_if(lambda self: self.gate != CLOSED)
    def bump_the_epoch(self, dies: str | None) -> None:
        self.world.renew_campaign(dies)
        self.gate = OPEN if self.world.is_open else PERHAPS

    @rule()
    def sweep(self) -> None:
        self.world.run_sweep()
        self._perhaps_open()

    @rule()
    def reconcile(self) -> None:
        self.world.run_reconcile()
        self._perhaps_open()

    def _perhaps_open(self) -> None:
        """Only an operator opens a campaign that Redis has lost."""
        assert self.gate != CLOSED or not self.world.is_open

    # The store

    @rule(restarted=either)
    @only_if(lambda self: self.world.confirming)
    def lose_memory(self, restarted: bool) -> None:
        self.world.empty_store(restarted=restarted)
        self.gate = CLOSED
        for _ in range(3):  # a cut connection fails once
            self.one_claims(Claim("passer-by"))  # the web process notices, and leaves its testimony

    @rule()
    def restart(self) -> None:
        self.world.restart_server()

    @rule()
    def forget_scripts(self) -> None:
        self.world.forget_scripts()

    @rule()
    @only_if(lambda self: self.world.confirming and self.gate != CLOSED)
    def break_the_link(self) -> None:
        self.world.break_link()

    @rule(fails_over=either)
    @only_if(lambda self: not self.world.confirming)
    def end_the_break(self, fails_over: bool) -> None:
        if fails_over:
            self.world.fail_over()
            self.gate = PERHAPS
        else:
            self.world.mend_link()
