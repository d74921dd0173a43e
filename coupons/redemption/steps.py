"""What each verb decides: a pure function of the coupon's life, the request and the moment.

A function returns the `Step` to write, or None if the same request was done before and nothing
changes. It raises a CouponConflict if the state does not allow the verb.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from coupons.claims import timestamps
from coupons.errors import (
    CouponConflict,
    CouponExpired,
    CouponHeld,
    CouponRedeemed,
    CouponRevoked,
    IllegalStep,
    StockGivenOn,
    TooLateToCancel,
)
from coupons.models import CouponState, Verb
from coupons.redemption.states import Life

SHORTEST_HOLD_S, LONGEST_HOLD_S = 60, 1_800
LONGEST_HELD = timedelta(hours=2)  # of one order, over all renewals
CANCELLABLE = timedelta(days=90)
UNDOABLE = timedelta(hours=24)
CAUSES_OF_SHOP = ("shop", "payment")  # of a cancellation; the customer could not help it
CAUSES = (*CAUSES_OF_SHOP, "customer")

_NO_HOLD: dict[str, Any] = {"hold_id": None, "hold_until": None}
_NO_ORDER: dict[str, Any] = {
    "hold_since": None, "merchant_id": None, "order_ref": None, "subtotal": None, "discount": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """Who asks for a coupon: a merchant's order. Amounts were judged by the terms already."""

    merchant_id: int | None
    ref: str
    subtotal: Decimal | None = None
    discount: Decimal | None = None
    lines: tuple[Decimal, ...] = ()  # the discount of each line, if lines were given


@dataclass(frozen=True, slots=True)
class Step:
    """A step to write. `changes`: columns of the life's row. `returns`: units of stock that come
    back by it (1), or are taken back (-1)."""

    verb: Verb
    after: CouponState
    changes: dict[str, Any]
    reference: UUID | None = None
    order_ref: str | None = None
    subtotal: Decimal | None = None
    discount: Decimal | None = None
    reason: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    returns: int = 0


def decide_reservation(
    life: Life, order: Order, now: datetime, *, seconds: int, new_id: UUID, replaces: str = ""
) -> Step | None:
    """Hold the coupon for this order. The same order again: its hold stays as it is. `replaces`: an
    earlier order of the same merchant that gives its hold up."""
    state, since = life.state_at(now), now
    if state is CouponState.HELD:
        if life.is_of_order(order.merchant_id, order.ref):
            return None
        if not (replaces and life.is_of_order(order.merchant_id, replaces)):
            raise _conflict(life, now)
        since = life.hold_since or now
    elif state is not CouponState.ISSUED:
        raise _conflict(life, now)
    elif life.is_of_order(order.merchant_id, order.ref) and life.hold_since:
        since = max(life.hold_since, now - LONGEST_HELD)  # its own hold has lapsed
    until = _hold_end(now, since, seconds)
    return _held(
        Verb.RESERVE, new_id, until, since, order, {"replaces": replaces} if replaces else {}
    )


def _held(
    verb: Verb, id: UUID, until: datetime, since: datetime, order: Order, data: dict[str, Any]
) -> Step:
    return Step(
        verb,
        CouponState.HELD,
        {
            "hold_id": id, "hold_since": since, "hold_until": until,
            "merchant_id": order.merchant_id, "order_ref": order.ref,
            "subtotal": order.subtotal, "discount": order.discount,
        },
        reference=id,
        order_ref=order.ref,
        subtotal=order.subtotal,
        discount=order.discount,
        data=data | {"until": until.isoformat()} | _line_data(order),
    )  # fmt: skip


def _line_data(order: Order) -> dict[str, Any]:
    return {"lines": [str(line) for line in order.lines]} if order.lines else {}


def _hold_end(now: datetime, since: datetime, seconds: int) -> datetime:
    """Raises IllegalStep if the order has held the coupon for too long already."""
    until = min(now + timedelta(seconds=seconds), since + LONGEST_HELD)
    if until <= now:
        raise IllegalStep(_("An order can hold a coupon for 2 hours at most."))
    return until


def decide_renewal(life: Life, hold_id: UUID, now: datetime, *, seconds: int) -> Step | None:
    """Prolong a hold. One that has lapsed comes alive again if nobody took the coupon since."""
    state = life.state_at(now)
    if life.hold_id != hold_id or state not in (CouponState.HELD, CouponState.ISSUED):
        if state in (CouponState.HELD, CouponState.ISSUED):
            raise IllegalStep(_("This reservation has ended."), state=state.value)
        raise _conflict(life, now)
    since = life.hold_since or now
    until = _hold_end(now, since, seconds)
    if life.hold_until and until <= life.hold_until:
        return None
    order = Order(life.merchant_id, life.order_ref or "", life.subtotal, life.discount)
    return _held(Verb.RENEW, hold_id, until, since, order, {})


def decide_release(life: Life, hold_id: UUID, now: datetime, *, reason: str = "") -> Step | None:
    """Give a hold up. One that has ended already: nothing to do."""
    if life.hold_id != hold_id or life.state != CouponState.HELD:
        return None
    after = CouponState.ISSUED if now < life.end else CouponState.EXPIRED
    # It stays issued in the table also past its end: recording an expiry is the sweep's step.
    return Step(
        Verb.RELEASE,
        CouponState.ISSUED,
        {**_NO_HOLD, **_NO_ORDER},
        reference=hold_id,
        order_ref=life.order_ref,
        reason=reason,
        data={"reads_as": after.value},
    )


def decide_redemption(life: Life, order: Order, now: datetime, *, new_id: UUID) -> Step | None:
    """Use the coupon for this order. A hold of the order itself is honoured to its end, also past
    the coupon's; one that has lapsed does no harm while the coupon is valid."""
    state, is_own = life.state_at(now), life.is_of_order(order.merchant_id, order.ref)
    if state is CouponState.REDEEMED and is_own:
        return None
    if not (state is CouponState.ISSUED or (state is CouponState.HELD and is_own)):
        raise _conflict(life, now)
    return Step(
        Verb.REDEEM,
        CouponState.REDEEMED,
        {
            **_NO_HOLD,
            "hold_since": None, "merchant_id": order.merchant_id, "order_ref": order.ref,
            "subtotal": order.subtotal, "discount": order.discount,
            "redemption": new_id, "redeemed_at": now,
        },
        reference=new_id,
        order_ref=order.ref,
        subtotal=order.subtotal,
        discount=order.discount,
        data=_line_data(order),
    )  # fmt: skip


def decide_cancellation(
    life: Life, redemption: UUID, now: datetime, *, cause: str, revives_days: int, reason: str = ""
) -> Step:
    """Take a redemption back. The coupon can be used again if it is still valid, or for some days
    more if its owner could not help it (`cause` shop or payment)."""
    if life.state != CouponState.REDEEMED or life.redemption != redemption:
        raise IllegalStep(_("This redemption is not the coupon's current one."))
    if life.redeemed_at and now > life.redeemed_at + CANCELLABLE:
        raise TooLateToCancel(_("A redemption can be cancelled for 90 days."))
    changes: dict[str, Any] = {**_NO_ORDER, "redemption": None, "redeemed_at": None}
    data: dict[str, Any] = {"cause": cause}
    after = CouponState.ISSUED
    if now >= life.end and cause in CAUSES_OF_SHOP and revives_days:
        changes["end_override"] = now + timedelta(days=revives_days)
        data["revived_until"] = changes["end_override"].isoformat()
    elif now >= life.end:
        after = CouponState.EXPIRED
    return Step(
        Verb.CANCEL,
        after,
        changes,
        reference=redemption,
        order_ref=life.order_ref,
        subtotal=life.subtotal,
        discount=life.discount,
        reason=reason,
        data=data,
    )


def decide_revocation(
    life: Life, now: datetime, *, force: bool, returns: bool, reason: str
) -> Step | None:
    """Take the coupon from its owner for good. A held one only by `force`."""
    state = life.state_at(now)
    if state is CouponState.REVOKED:
        return None
    if not (state is CouponState.ISSUED or (state is CouponState.HELD and force)):
        raise _conflict(life, now)
    return _revoked(life, Verb.REVOKE, returns=returns, reason=reason)


def decide_giving_back(life: Life, now: datetime) -> Step | None:
    """The owner returns the coupon; its unit of stock comes back."""
    state = life.state_at(now)
    if state is CouponState.REVOKED:
        return None
    if state is not CouponState.ISSUED:
        raise _conflict(life, now)
    return _revoked(life, Verb.GIVE_BACK, returns=True, reason="")


def _revoked(life: Life, verb: Verb, *, returns: bool, reason: str) -> Step:
    returns = returns and not life.is_returned
    changes: dict[str, Any] = {**_NO_HOLD, **_NO_ORDER}
    if returns:
        changes["is_returned"] = True
    return Step(
        verb,
        CouponState.REVOKED,
        changes,
        reference=life.hold_id,
        order_ref=life.order_ref,
        reason=reason,
        returns=int(returns),
    )


def decide_undoing(life: Life, now: datetime, *, reason: str) -> Step | None:
    """Give a revoked coupon back to its owner. Its unit of stock is taken back: the caller fails
    with StockGivenOn if it was given on."""
    if life.state in (CouponState.ISSUED, CouponState.HELD):
        return None
    if life.state != CouponState.REVOKED:
        raise _conflict(life, now)
    if life.changed_at and now > life.changed_at + UNDOABLE:
        raise IllegalStep(_("A revocation can be undone for 24 hours."))
    return Step(
        Verb.UNDO_REVOKE,
        CouponState.ISSUED,
        {"is_returned": False},
        reason=reason,
        returns=-int(life.is_returned),
    )


def decide_expiry(life: Life, now: datetime, *, returns: bool) -> Step | None:
    """Record that the coupon has expired; None: it has not, or that is recorded."""
    if life.state == CouponState.EXPIRED or life.state_at(now) is not CouponState.EXPIRED:
        return None
    returns = returns and not life.is_returned
    changes: dict[str, Any] = {**_NO_HOLD, **_NO_ORDER}
    if returns:
        changes["is_returned"] = True
    return Step(Verb.EXPIRE, CouponState.EXPIRED, changes, returns=int(returns))


def decide_extension(life: Life, end: datetime, now: datetime, *, reason: str) -> Step | None:
    """Let the coupon be used until a later end, also one that has expired."""
    if end == life.end_override and life.state_at(now) is CouponState.ISSUED:
        return None
    if life.state_at(now) not in (CouponState.ISSUED, CouponState.EXPIRED):
        raise _conflict(life, now)
    if end <= now or end <= life.end:
        raise IllegalStep(_("The new end must be later than now and than the present one."))
    return Step(
        Verb.EXTEND,
        CouponState.ISSUED,
        {**_NO_HOLD, **_NO_ORDER, "end_override": end, "is_returned": False},
        reason=reason,
        data={"end": end.isoformat()},
        returns=-int(life.is_returned),
    )


def _conflict(life: Life, now: datetime) -> CouponConflict:
    """Why the coupon can't be used now."""
    state = life.state_at(now)
    if state is CouponState.HELD and life.hold_until:
        text = _("Another order holds the coupon until {}.")
        until = timestamps.iso_text(life.hold_until)
        return CouponHeld(text.format(until), state=state.value, held_until=until)
    if state is CouponState.REDEEMED:
        return CouponRedeemed(_("The coupon was redeemed for an order."), state=state.value)
    if state is CouponState.REVOKED:
        return CouponRevoked(_("The coupon was revoked."), state=state.value)
    if state is CouponState.EXPIRED:
        end = timestamps.iso_text(life.end)
        return CouponExpired(_("The coupon expired at {}.").format(end), state=state.value, end=end)
    return IllegalStep(_("The coupon is {}.").format(state.value), state=state.value)


def stock_given_on() -> StockGivenOn:
    return StockGivenOn(_("The coupon's unit of stock was given to another user meanwhile."))
