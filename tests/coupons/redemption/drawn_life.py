"""Coupons of one campaign that live through drawn verbs at drawn moments, beside a book that knows
nothing of states: who was promised what, which uses count, how many units came back.

`play(bytes)` reads a step from every six bytes. Raises BrokenPromise as soon as a decision differs
from the book.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from coupons.errors import CouponConflict
from coupons.models import CouponState
from coupons.redemption import steps
from coupons.redemption.states import Life
from coupons.redemption.steps import Order, Step

STEP_BYTES = 6
STOCK = 4
BEGIN = datetime(2026, 11, 29, 12, tzinfo=UTC)
# Seconds between two steps: most come at once or within a hold, few skip a day, or 90 of them. Two
# others lead to a moment of the coupon: to half a minute before its end and then to its end, and to
# the end of its hold.
TOWARDS_THE_END, TO_THE_HOLDS_END = -1, -2
PAUSES = (
    *(0,) * 130, *(1,) * 30, *(30,) * 20, *(59, 60, 61) * 10, *(600,) * 10, *(1800, 7200) * 4,
    *(TOWARDS_THE_END,) * 16, *(TO_THE_HOLDS_END,) * 15, 90_000, 8_000_000,
)  # fmt: skip
VALID_FOR = timedelta(days=1)
MOST_COUPONS = 8
DISCOUNT = Decimal(1000)


class BrokenPromise(AssertionError):
    pass


@dataclass(slots=True)
class Book:
    """What people may rely on, for one coupon."""

    promised_to: str = ""  # the order that holds it …
    promised_until: datetime = BEGIN  # … and until when
    uses: dict[UUID, str] = field(default_factory=dict)  # redemptions that count → their order
    is_taken: bool = False  # by an operator or by its owner, and not given back
    units_back: int = 0


@dataclass(slots=True)
class World:
    expiry_returns: bool = False
    revives_days: int = 3
    now: datetime = BEGIN
    lives: list[Life] = field(default_factory=list)
    books: list[Book] = field(default_factory=list)
    returned: int = 0
    given_on: int = 0
    ids: int = 0
    latest: int = 0  # the coupon of the latest step: most steps go on with it
    known: list[list[UUID]] = field(default_factory=list)  # ids of holds and redemptions
    played: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for _ in range(STOCK):
            self.add_coupon()

    def add_coupon(self) -> None:
        number = len(self.lives)
        end = self.now + VALID_FOR
        self.lives.append(Life(number, 1, f"user-{number}", number + 1, end))
        self.books.append(Book())
        self.known.append([])

    def play(self, tape: bytes) -> None:
        for start in range(0, len(tape) - STEP_BYTES + 1, STEP_BYTES):
            verb, coupon, order, pause, one, two = tape[start : start + STEP_BYTES]
            at = self.latest = coupon % len(self.lives) if coupon > 150 else self.latest
            held_for = self.lives[at].order_ref if order > 100 else None
            self._pass_time(PAUSES[pause % len(PAUSES)], self.lives[at])
            name = VERBS[verb % len(VERBS)]
            getattr(self, name)(at, held_for or f"order-{order % 3}", one, two)
            self.check_stock()

    def _pass_time(self, pause: int, life: Life) -> None:
        if pause == TOWARDS_THE_END:
            almost = life.end - timedelta(seconds=30)
            self.now = almost if self.now < almost else max(self.now, life.end)
        elif pause == TO_THE_HOLDS_END:
            self.now = max(self.now, life.hold_until or self.now)
        else:
            self.now += timedelta(seconds=pause)

    # The verbs. `one` and `two` are drawn numbers for whatever else a verb needs.

    def reserve(self, at: int, order: str, one: int, two: int) -> None:
        replaces = f"order-{two % 3}" if two > 170 else ""
        seconds = 60 + one * 6
        self.ids += 1
        step = self._decide(
            "reserve", at, steps.decide_reservation, Order(1, order, DISCOUNT, DISCOUNT), self.now,
            seconds=seconds, new_id=UUID(int=self.ids), replaces=replaces,
        )  # fmt: skip
        book = self.books[at]
        if not isinstance(step, Step):
            return
        if self._is_promised(at) and book.promised_to not in (order, replaces):
            raise BrokenPromise(f"{order} reserved what is held for {book.promised_to}")
        self._promise(at, order)

    def renew(self, at: int, order: str, one: int, two: int) -> None:
        hold = self._id(at, two)
        step = self._decide("renew", at, steps.decide_renewal, hold, self.now, seconds=60 + one * 6)
        if isinstance(step, Step):
            before, self_order = self.books[at], self.lives[at].order_ref or ""
            if self._is_promised(at) and before.promised_to != self_order:
                raise BrokenPromise("an old hold was renewed over another order's")
            if self._is_promised(at) and self._hold_until(at) < before.promised_until:
                raise BrokenPromise("a renewal made the hold shorter")
            self._promise(at, self_order)

    def release(self, at: int, order: str, one: int, two: int) -> None:
        step = self._decide("release", at, steps.decide_release, self._id(at, two), self.now)
        if isinstance(step, Step):
            self.books[at].promised_to = ""

    def redeem(self, at: int, order: str, one: int, two: int) -> None:
        book, state = self.books[at], self.lives[at].state_at(self.now)
        self.ids += 1
        is_own = self._is_promised(at) and book.promised_to == order
        is_others = self._is_promised(at) and book.promised_to != order
        is_free = not (book.uses or book.is_taken or is_others) and self.now < self.lives[at].end
        step = self._decide(
            "redeem", at, steps.decide_redemption, Order(1, order, DISCOUNT, DISCOUNT), self.now,
            new_id=UUID(int=self.ids),
        )  # fmt: skip
        if step is Refusal:
            if is_own:
                raise BrokenPromise(f"held by {order}, in time, and refused while {state}")
            if is_free:
                raise BrokenPromise(f"free and valid, and refused while {state}")
            if order in book.uses.values():
                raise BrokenPromise("an order's own redemption was refused when repeated")
        elif step is None:
            if list(book.uses.values()) != [order]:
                raise BrokenPromise(f"{order} was told that it had redeemed: {book.uses}")
        else:
            self.played["redeem past the end"] += self.now >= self.lives[at].end
            if book.uses or book.is_taken or is_others:
                raise BrokenPromise(f"{order} redeemed a coupon of {book}")
            book.uses[step.reference] = order
            book.promised_to = ""

    def cancel(self, at: int, order: str, one: int, two: int) -> None:
        redemption, cause = self._id(at, two), steps.CAUSES[one % 3]
        step = self._decide(
            "cancel", at, steps.decide_cancellation, redemption, self.now, cause=cause,
            revives_days=self.revives_days,
        )  # fmt: skip
        if not isinstance(step, Step):
            return
        if self.books[at].uses.pop(redemption, None) is None:
            raise BrokenPromise("a use was given back twice, or another order's was")
        can_use = self.lives[at].state_at(self.now) is CouponState.ISSUED
        if not can_use and cause != "customer" and self.revives_days:
            raise BrokenPromise(f"cancelled by the {cause}, and the coupon is lost")

    def revoke(self, at: int, order: str, one: int, two: int) -> None:
        force = one > 200
        step = self._decide(
            "revoke", at, steps.decide_revocation, self.now, force=force, returns=two > 100,
            reason="abuse",
        )  # fmt: skip
        if isinstance(step, Step):
            if self._is_promised(at) and not force:
                raise BrokenPromise("a held coupon was revoked without force")
            self._take(at)

    def give_back(self, at: int, order: str, one: int, two: int) -> None:
        step = self._decide("give_back", at, steps.decide_giving_back, self.now)
        if isinstance(step, Step):
            if self._is_promised(at):
                raise BrokenPromise("a held coupon was given back")
            self._take(at)

    def undo(self, at: int, order: str, one: int, two: int) -> None:
        step = self._decide("undo", at, steps.decide_undoing, self.now, reason="a mistake")
        if isinstance(step, Step):
            self.books[at].is_taken = False

    def expire(self, at: int, order: str, one: int, two: int) -> None:
        step = self._decide(
            "expire", at, steps.decide_expiry, self.now, returns=self.expiry_returns
        )
        if isinstance(step, Step) and (self._is_promised(at) or self.books[at].uses):
            raise BrokenPromise(f"expired: {self.books[at]}")

    def extend(self, at: int, order: str, one: int, two: int) -> None:
        end = self.now + timedelta(minutes=10 * one)
        self._decide("extend", at, steps.decide_extension, end, self.now, reason="goodwill")

    def give_on(self, at: int, order: str, one: int, two: int) -> None:
        """A returned unit goes to another user."""
        if self.given_on < self.returned and len(self.lives) < MOST_COUPONS:
            self.given_on += 1
            self.add_coupon()
            self.played["give_on"] += 1

    # What is always true

    def check_stock(self) -> None:
        """Units that came back are counted once each; usable coupons are at most the stock."""
        back = sum(life.is_returned for life in self.lives)
        if not 0 <= self.given_on <= self.returned == back:
            raise BrokenPromise(f"{back} units are back, {self.returned} counted")
        live = sum(
            life.state_at(self.now) in USABLE or bool(book.uses)
            for life, book in zip(self.lives, self.books, strict=True)
        )
        if live > STOCK:
            raise BrokenPromise(f"{live} usable coupons of a stock of {STOCK}")

    def _decide(self, name: str, at: int, decide: Any, *arguments: Any, **more: Any) -> Any:
        """The step, which is written; None: nothing to do; `Refusal`: refused."""
        life, book = self.lives[at], self.books[at]
        try:
            step: Step | None = decide(life, *arguments, **more)
        except CouponConflict:
            self.played[f"{name} refused"] += 1
            return Refusal
        if step is None:
            self.played[f"{name} again"] += 1
            return None
        if self.returned + step.returns < self.given_on:
            self.played[f"{name} refused: given on"] += 1
            return Refusal
        self.played[name] += 1
        self.returned += step.returns
        book.units_back += step.returns
        if book.units_back not in (0, 1):
            raise BrokenPromise(f"{book.units_back} units of one coupon came back")
        changes: dict[str, Any] = {
            "state": step.after,
            "version": life.version + 1,
            "changed_at": self.now,
        }
        self.lives[at] = replace(life, **changes | step.changes)
        if step.reference is not None:
            self.known[at].append(step.reference)
        return step

    def _take(self, at: int) -> None:
        book = self.books[at]
        if book.uses:
            raise BrokenPromise("a redeemed coupon was taken")
        book.is_taken, book.promised_to = True, ""

    def _is_promised(self, at: int) -> bool:
        book = self.books[at]
        return bool(book.promised_to) and self.now < book.promised_until

    def _promise(self, at: int, order: str) -> None:
        book = self.books[at]
        book.promised_to, book.promised_until = order, self._hold_until(at)

    def _hold_until(self, at: int) -> datetime:
        until = self.lives[at].hold_until
        assert until is not None
        return until

    def _id(self, at: int, drawn: int) -> UUID:
        """Mostly the latest hold or redemption of this coupon, sometimes an earlier one."""
        known = self.known[at]
        if not known:
            return UUID(int=0)
        return known[-1] if drawn < 180 else known[drawn % len(known)]


class Refusal:
    pass


USABLE = (CouponState.ISSUED, CouponState.HELD)
VERBS = (
    "reserve", "reserve", "reserve", "renew", "release", "redeem", "redeem", "redeem", "cancel",
    "cancel", "revoke", "give_back", "undo", "expire", "extend", "give_on",
)  # fmt: skip
