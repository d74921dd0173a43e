"""The verbs of a coupon's life. Each is one transaction, or a part of the caller's.

`merchant_id` None: an operator, who may act on the coupons of every merchant. All raise
UnknownCoupon (also for another merchant's), a CouponConflict, Busy, DatabaseAway, BadInput.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from coupons.audit.actors import Actor
from coupons.claims.identifiers import make_uuid7
from coupons.database.transactions import run_transaction
from coupons.errors import DiscountDiffers, IllegalStep, TermsNotMet, UnknownCoupon
from coupons.models import CouponEvent, Verb
from coupons.redemption import discounts, steps
from coupons.redemption.states import Life
from coupons.redemption.steps import Order
from coupons.redemption.terms import CampaignTerms
from coupons.redemption.transition import (
    NO_SUCH_COUPON,
    Decide,
    Locked,
    lock_coupon,
    take_step,
)


@dataclass(frozen=True, slots=True)
class Cart:
    """What a shop wants to pay for. `expected`: the discount that it has shown to the customer."""

    order_ref: str
    subtotal: Decimal
    currency: str
    lines: tuple[Decimal, ...] = ()
    expected: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A coupon after a verb. `is_new` is false if the same request was done before; then `event` is
    the one of that time, if there is one."""

    life: Life
    terms: CampaignTerms
    code: str
    now: datetime
    is_new: bool
    event: CouponEvent | None


def _take(locked: Locked, decide: Decide, actor: Actor) -> Result:
    life, event = take_step(locked, decide, actor)
    is_new = event is not None
    if event is None and (reference := life.redemption or life.hold_id):
        event = newest_event(reference)
    return Result(life, locked.terms, locked.code, locked.now, is_new, event)


def reserve_coupon(
    code: str,
    cart: Cart,
    *,
    merchant_id: int,
    actor: Actor,
    seconds: int,
    user: str | None = None,
    replaces: str = "",
) -> Result:
    """Hold the coupon for an order, for 60 to 1,800 s. Raises TermsNotMet, DiscountDiffers."""

    def work() -> Result:
        locked = lock_coupon(code=code, merchant_id=merchant_id)
        order = _judged_order(locked, cart, merchant_id, user)

        def decide(life: Life, now: datetime) -> steps.Step | None:
            return steps.decide_reservation(
                life, order, now, seconds=seconds, new_id=make_uuid7(), replaces=replaces
            )

        return _take(locked, decide, actor)

    return run_transaction(work)


def renew_hold(hold_id: UUID, *, merchant_id: int, actor: Actor, seconds: int) -> Result:
    """Prolong a reservation."""

    def work() -> Result:
        locked = _lock_by_reference(hold_id, merchant_id)

        def decide(life: Life, now: datetime) -> steps.Step | None:
            return steps.decide_renewal(life, hold_id, now, seconds=seconds)

        return _take(locked, decide, actor)

    return run_transaction(work)


def release_hold(
    hold_id: UUID, *, merchant_id: int | None, actor: Actor, reason: str = ""
) -> Result:
    """Give a reservation up; one that has ended already stays as it is."""

    def work() -> Result:
        locked = _lock_by_reference(hold_id, merchant_id)

        def decide(life: Life, now: datetime) -> steps.Step | None:
            return steps.decide_release(life, hold_id, now, reason=reason)

        return _take(locked, decide, actor)

    return run_transaction(work)


def redeem_coupon(
    code: str, cart: Cart, *, merchant_id: int, actor: Actor, user: str | None = None
) -> Result:
    """Use the coupon for an order, from its hold or at once. The same order again: the same
    redemption. Raises TermsNotMet, DiscountDiffers."""

    def work() -> Result:
        locked = lock_coupon(code=code, merchant_id=merchant_id)
        if locked.life.redemption and locked.life.is_of_order(merchant_id, cart.order_ref):
            return _repeated(locked, cart, user)
        order = _judged_order(locked, cart, merchant_id, user)

        def decide(life: Life, now: datetime) -> steps.Step | None:
            return steps.decide_redemption(life, order, now, new_id=make_uuid7())

        return _take(locked, decide, actor)

    return run_transaction(work)


def _repeated(locked: Locked, cart: Cart, user: str | None) -> Result:
    """Raises DiscountDiffers if the order asks again with other amounts, TermsNotMet for another
    user."""
    life, currency = locked.life, locked.terms.discount.currency
    _demand_user(life, user)
    if cart.subtotal != life.subtotal or cart.expected not in (None, life.discount):
        text = _("This order has redeemed the coupon with other amounts.")
        amounts = {"discount": life.discount, "subtotal": life.subtotal}
        shown = {
            name: discounts.format_amount(amount or Decimal(0), currency)
            for name, amount in amounts.items()
        }
        raise DiscountDiffers(text, **shown)
    event = event_of(life.redemption, Verb.REDEEM) if life.redemption else None
    return Result(life, locked.terms, locked.code, locked.now, False, event)


def cancel_redemption(
    redemption: UUID, *, merchant_id: int | None, actor: Actor, cause: str, reason: str = ""
) -> Result:
    """Take a redemption back. Cancelled before: the same result, without a second one."""

    def work() -> Result:
        locked = _lock_by_reference(redemption, merchant_id)
        earlier = event_of(redemption, Verb.CANCEL)
        if earlier is not None:
            return Result(locked.life, locked.terms, locked.code, locked.now, False, earlier)

        def decide(life: Life, now: datetime) -> steps.Step | None:
            days = locked.terms.revives_days
            return steps.decide_cancellation(
                life, redemption, now, cause=cause, revives_days=days, reason=reason
            )

        return _take(locked, decide, actor)

    return run_transaction(work)


def revoke_coupon(
    *,
    actor: Actor,
    reason: str,
    merchant_id: int | None = None,
    force: bool = False,
    returns: bool = False,
    **coupon: Any,
) -> Result:
    """Take a coupon (its `code` or `pk`) from its owner. `force`: also one that an order holds.
    `returns`: its unit of stock comes back."""

    def work() -> Result:
        locked = lock_coupon(merchant_id=merchant_id, **coupon)

        def decide(life: Life, now: datetime) -> steps.Step | None:
            return steps.decide_revocation(life, now, force=force, returns=returns, reason=reason)

        return _take(locked, decide, actor)

    return run_transaction(work)


def undo_revocation(
    pk: int, *, actor: Actor, reason: str, merchant_id: int | None = None
) -> Result:
    """Give a coupon back to its owner, within 24 hours. Raises StockGivenOn."""

    def work() -> Result:
        locked = lock_coupon(pk=pk, merchant_id=merchant_id)
        return _take(
            locked, lambda life, now: steps.decide_undoing(life, now, reason=reason), actor
        )

    return run_transaction(work)


def extend_coupon(pk: int, end: datetime, *, actor: Actor, reason: str) -> Result:
    """Let a coupon be used until a later end. Raises StockGivenOn."""

    def work() -> Result:
        locked = lock_coupon(pk=pk)
        return _take(
            locked, lambda life, now: steps.decide_extension(life, end, now, reason=reason), actor
        )

    return run_transaction(work)


def give_back_coupon(code: str, *, user: str, actor: Actor) -> Result:
    """Return one's own coupon, for good; its unit of stock comes back. Raises IllegalStep if the
    campaign does not offer that."""

    def work() -> Result:
        locked = lock_coupon(code=code, user=user)
        if not locked.terms.may_give_back:
            raise IllegalStep(_("Coupons of this campaign can't be given back."))
        return _take(locked, steps.decide_giving_back, actor)

    return run_transaction(work)


def expire_coupon(pk: int, *, actor: Actor) -> Result:
    """Record that a coupon has expired, if it has."""

    def work() -> Result:
        locked = lock_coupon(pk=pk)
        returns = locked.terms.expiry_returns
        return _take(
            locked, lambda life, now: steps.decide_expiry(life, now, returns=returns), actor
        )

    return run_transaction(work)


def event_of(reference: UUID, verb: Verb) -> CouponEvent | None:
    """The step of this verb that made or ended a reservation or a redemption."""
    return CouponEvent.objects.filter(reference=reference, verb=verb).order_by("version").first()


def newest_event(reference: UUID) -> CouponEvent | None:
    """The last step of a reservation or a redemption."""
    return CouponEvent.objects.filter(reference=reference).order_by("version").last()


def _lock_by_reference(reference: UUID, merchant_id: int | None) -> Locked:
    """Lock the coupon that this reservation or redemption is of."""
    slot = (
        CouponEvent.objects.filter(reference=reference).values_list("coupon_id", flat=True).first()
    )
    if slot is None:
        raise UnknownCoupon(NO_SUCH_COUPON)
    return lock_coupon(pk=slot, merchant_id=merchant_id)


def _demand_user(life: Life, user: str | None) -> None:
    """Raises TermsNotMet if the coupon is another user's than the named one."""
    if user is not None and user != life.user:
        text = _("The order does not meet the coupon's terms.")
        raise TermsNotMet(text, reasons=[{"code": "user_differs"}])


def _judged_order(locked: Locked, cart: Cart, merchant_id: int, user: str | None) -> Order:
    """The order with its discount. Raises TermsNotMet with all reasons, DiscountDiffers."""
    terms = locked.terms.discount
    reasons = discounts.unmet_terms(terms, cart.subtotal, cart.currency)
    if user is not None and user != locked.life.user:
        reasons.insert(0, {"code": "user_differs"})
    if reasons:
        raise TermsNotMet(_("The order does not meet the coupon's terms."), reasons=reasons)
    discount = discounts.compute_discount(terms, cart.subtotal)
    if cart.expected not in (None, discount):
        text = _("The discount is {}, not {}.")
        shown = discounts.format_amount(discount, cart.currency)
        expected = discounts.format_amount(cart.expected or Decimal(0), cart.currency)
        raise DiscountDiffers(text.format(shown, expected), discount=shown)
    lines = discounts.split_discount(discount, cart.lines, cart.currency) if cart.lines else []
    return Order(merchant_id, cart.order_ref, cart.subtotal, discount, tuple(lines))
