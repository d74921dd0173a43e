"""What the requests about coupons have in common: fields, carts, and codes that are not found."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse

from coupons.api.merchant import rate_limit
from coupons.api.merchant.body import Text
from coupons.audit.actors import Actor
from coupons.claims import coupon_codes
from coupons.claims.limits import MAX_USER_BYTES
from coupons.errors import BadInput, UnknownCoupon
from coupons.merchants.api_keys import MerchantCaller
from coupons.models import ActorKind
from coupons.redemption import discounts, not_stored
from coupons.redemption.lifecycle import Cart

CODE = Text(64)
USER = Text(MAX_USER_BYTES, optional=True, is_identifier=True)


def key_actor(caller: MerchantCaller) -> Actor:
    return Actor(ActorKind.KEY, caller.prefix)


def code_in(body: dict[str, Any]) -> str:
    code = coupon_codes.normalise_code(body["code"])
    if code is None:
        raise BadInput("code", "is not a coupon code; please check it for a typing error")
    return code


def cart_in(body: dict[str, Any]) -> Cart:
    """Raises BadInput for amounts that do not fit the currency, and for lines that do not add up to
    the subtotal."""
    currency = body["currency"]
    subtotal = discounts.parse_amount(body["subtotal"], currency, "subtotal")
    expected = body["discount"]
    if expected is not None:
        expected = discounts.parse_amount(expected, currency, "discount")
    lines = tuple(
        discounts.parse_amount(line["amount"], currency, f"lines[{number}].amount")
        for number, line in enumerate(body["lines"] or ())
    )
    if lines and sum(lines) != subtotal:
        raise BadInput("lines", "must add up to the subtotal")
    return Cart(body.get("order_ref") or "", subtotal, currency, lines, expected)


def ask_by_code(caller: MerchantCaller, ask: Callable[[], HttpResponse]) -> HttpResponse:
    """Call `ask`, which looks a code up. A code that is not found may wait to be stored."""
    try:
        return not_stored.ask_stored(caller.merchant_id, ask)
    except UnknownCoupon:
        rate_limit.count_unknown_code(caller)
        raise
