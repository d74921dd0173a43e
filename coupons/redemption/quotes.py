"""What a coupon would be worth to an order now, and every reason why not. Writes nothing."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from coupons.claims import timestamps
from coupons.database.availability import require_database
from coupons.models import CouponState
from coupons.redemption import discounts
from coupons.redemption.discounts import Reason
from coupons.redemption.lifecycle import Cart
from coupons.redemption.states import Life
from coupons.redemption.terms import CampaignTerms
from coupons.redemption.transition import Locked, read_coupon

_UNUSABLE = {
    CouponState.HELD: "coupon_held",
    CouponState.REDEEMED: "coupon_redeemed",
    CouponState.REVOKED: "coupon_revoked",
    CouponState.EXPIRED: "coupon_expired",
}


@dataclass(frozen=True, slots=True)
class Quote:
    """`discount` is what the terms give for this subtotal; nothing in another currency. The coupon
    can be redeemed for this order if there are no `reasons` against it."""

    life: Life
    terms: CampaignTerms
    code: str
    now: datetime
    state: CouponState
    reasons: list[Reason]
    discount: Decimal
    lines: list[Decimal]


def quote_coupon(code: str, cart: Cart, *, merchant_id: int, user: str | None = None) -> Quote:
    """Raises UnknownCoupon (also for another merchant's), DatabaseAway."""
    with require_database():
        found = read_coupon(code=code, merchant_id=merchant_id)
    terms, life = found.terms.discount, found.life
    reasons = _state_reasons(found, cart, merchant_id)
    if user is not None and user != life.user:
        reasons.append({"code": "user_differs"})
    reasons += discounts.unmet_terms(terms, cart.subtotal, cart.currency)
    is_comparable = cart.currency == terms.currency
    discount = discounts.compute_discount(terms, cart.subtotal) if is_comparable else Decimal(0)
    if is_comparable and cart.expected not in (None, discount):
        shown = discounts.format_amount(discount, cart.currency)
        reasons.append({"code": "discount_differs", "discount": shown})
    lines = discounts.split_discount(discount, cart.lines, cart.currency) if cart.lines else []
    state = life.state_at(found.now)
    return Quote(life, found.terms, found.code, found.now, state, reasons, discount, lines)


def _state_reasons(found: Locked, cart: Cart, merchant_id: int) -> list[Reason]:
    state = found.life.state_at(found.now)
    is_own = found.life.is_of_order(merchant_id, cart.order_ref)
    if state is CouponState.ISSUED or (state is CouponState.HELD and is_own):
        return []
    reason: Reason = {"code": _UNUSABLE[state]}
    if state is CouponState.HELD and found.life.hold_until:
        reason["held_until"] = timestamps.iso_text(found.life.hold_until)
    if state is CouponState.EXPIRED:
        reason["end"] = timestamps.iso_text(found.life.end)
    return [reason]


@dataclass(frozen=True, slots=True)
class PartialReturn:
    """What remains of a redemption if a part of the order is returned. Moves no money."""

    discount: Decimal  # of the order that remains
    payable: Decimal
    refund: Decimal  # what was paid, less `payable`
    is_below_minimum: bool


def quote_return(terms: CampaignTerms, life_subtotal: Decimal, discount: Decimal,
                 remaining: Decimal) -> PartialReturn:  # fmt: skip
    """The terms applied to the subtotal that remains: below the minimum order no discount is
    left."""
    paid = life_subtotal - discount
    unmet = discounts.unmet_terms(terms.discount, remaining, terms.discount.currency)
    left = Decimal(0) if unmet else discounts.compute_discount(terms.discount, remaining)
    left = min(left, discount)
    payable = remaining - left
    return PartialReturn(left, payable, max(Decimal(0), paid - payable), bool(unmet))
