"""Quotes, reservations and redemptions: what a shop's checkout calls."""

from decimal import Decimal
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from coupons.api.merchant import life_bodies
from coupons.api.merchant import life_schemas as shown
from coupons.api.merchant.auth import merchant_caller
from coupons.api.merchant.base_view import MerchantResource
from coupons.api.merchant.body import Amount, Fields, Listing, OneOf, Text, Whole, read_body
from coupons.api.merchant.described import described
from coupons.api.merchant.idempotency import Answer, answer_once
from coupons.api.merchant.life_requests import CODE, USER, ask_by_code, cart_in, code_in, key_actor
from coupons.database.availability import require_database
from coupons.errors import BadInput, IllegalStep, UnknownCoupon
from coupons.models import CouponEvent, Scope, Verb
from coupons.models.life import MAX_ORDER_BYTES
from coupons.redemption import discounts, lifecycle, quotes, steps
from coupons.redemption.transition import NO_SUCH_COUPON, read_coupon

MOST_LINES = 200
DEFAULT_HOLD_S = 600
_SECONDS = Whole(
    low=steps.SHORTEST_HOLD_S, high=steps.LONGEST_HOLD_S, optional=True, default=DEFAULT_HOLD_S
)
_REASON = Text(500, optional=True, default="")
_CART: Fields = {
    "code": CODE,
    "subtotal": Amount(),
    "currency": Text(3),
    "user": USER,
    "discount": Amount(optional=True),
    "lines": Listing({"id": Text(64), "amount": Amount()}, most=MOST_LINES, optional=True),
}
_ORDER = Text(MAX_ORDER_BYTES)
_QUOTE: Fields = {**_CART, "order_ref": Text(MAX_ORDER_BYTES, optional=True)}
_REDEMPTION: Fields = {**_CART, "order_ref": _ORDER}
_RESERVATION: Fields = {
    **_REDEMPTION,
    "seconds": _SECONDS,
    "replaces": Text(MAX_ORDER_BYTES, optional=True, default=""),
}
_RENEWAL: Fields = {"seconds": _SECONDS}
_CANCELLATION: Fields = {"cause": OneOf(steps.CAUSES), "reason": _REASON}
_RETURN: Fields = {"remaining_subtotal": Amount()}


class Quotes(MerchantResource):
    scopes = {"POST": Scope.READ}

    @described(
        "quote",
        "What a coupon is worth to an order",
        description="Writes nothing. 200 for any coupon of the merchant, with all reasons.",
        fields=_QUOTE,
        example=shown.CART,
        answers={200: (shown.Quote, "The discount, and every reason against it.", shown.QUOTE)},
        problems=(404,),
        writes=False,
    )
    def post(self, request: Request) -> HttpResponse:
        caller = merchant_caller(request)
        body = read_body(request, _QUOTE)
        code, cart = code_in(body), cart_in(body)

        def ask() -> HttpResponse:
            quote = quotes.quote_coupon(
                code, cart, merchant_id=caller.merchant_id, user=body["user"]
            )
            return Response(life_bodies.quote_body(quote, cart.currency, cart.subtotal))

        return ask_by_code(caller, ask)


class Reservations(MerchantResource):
    scopes = {"POST": Scope.REDEEM}

    @described(
        "reserve",
        "Hold a coupon for an order",
        description="The hold is redeemable until its end, also past the coupon's.",
        fields=_RESERVATION,
        example=shown.ORDER,
        answers={
            201: (shown.Reservation, "Held.", shown.RESERVATION),
            200: (shown.Reservation, "Held by this order before; the same.", shown.RESERVATION),
        },
        problems=(404, 410),
    )
    def post(self, request: Request) -> HttpResponse:
        caller = merchant_caller(request)
        body = read_body(request, _RESERVATION)
        code, cart = code_in(body), cart_in(body)

        def reserve() -> Answer:
            result = lifecycle.reserve_coupon(
                code,
                cart,
                merchant_id=caller.merchant_id,
                actor=key_actor(caller),
                seconds=body["seconds"],
                user=body["user"],
                replaces=body["replaces"],
            )
            return Answer(201 if result.is_new else 200, life_bodies.reservation_body(result))

        return ask_by_code(caller, lambda: answer_once(request, body, reserve))


class Reservation(MerchantResource):
    scopes = {"DELETE": Scope.REDEEM}

    @described(
        "release",
        "Give a reservation up",
        answers={200: (shown.Released, "Released now or before.", shown.RELEASED)},
        problems=(404,),
    )
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        caller = merchant_caller(request)

        def release() -> Answer:
            result = lifecycle.release_hold(
                id, merchant_id=caller.merchant_id, actor=key_actor(caller)
            )
            state = result.life.state_at(result.now).value
            return Answer(200, {"id": str(id), "coupon": str(result.life.slot), "state": state})

        return answer_once(request, {}, release)


class ReservationRenewal(MerchantResource):
    scopes = {"POST": Scope.REDEEM}

    @described(
        "renew",
        "Prolong a reservation",
        fields=_RENEWAL,
        example={"seconds": 600},
        answers={200: (shown.Reservation, "The reservation with its end.", shown.RESERVATION)},
        problems=(404, 410),
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        caller = merchant_caller(request)
        body = read_body(request, _RENEWAL)

        def renew() -> Answer:
            result = lifecycle.renew_hold(
                id,
                merchant_id=caller.merchant_id,
                actor=key_actor(caller),
                seconds=body["seconds"],
            )
            return Answer(200, life_bodies.reservation_body(result))

        return answer_once(request, body, renew)


class Redemptions(MerchantResource):
    scopes = {"POST": Scope.REDEEM}

    @described(
        "redeem",
        "Redeem a coupon for an order",
        description="From its hold or at once. The same order again: the same redemption.",
        fields=_REDEMPTION,
        example=shown.ORDER,
        answers={
            201: (shown.Redemption, "Redeemed.", shown.REDEMPTION),
            200: (shown.Redemption, "Redeemed by this order before; the same.", shown.REDEMPTION),
        },
        problems=(404, 410),
    )
    def post(self, request: Request) -> HttpResponse:
        caller = merchant_caller(request)
        body = read_body(request, _REDEMPTION)
        code, cart = code_in(body), cart_in(body)

        def redeem() -> Answer:
            result = lifecycle.redeem_coupon(
                code,
                cart,
                merchant_id=caller.merchant_id,
                actor=key_actor(caller),
                user=body["user"],
            )
            return Answer(201 if result.is_new else 200, life_bodies.redemption_body(result))

        return ask_by_code(caller, lambda: answer_once(request, body, redeem))


class Redemption(MerchantResource):
    scopes = {"GET": Scope.READ}

    @described(
        "redemption",
        "A redemption, and whether it was cancelled",
        answers={200: (shown.RedemptionShown, "The redemption.", shown.SHOWN)},
        problems=(404,),
        writes=False,
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """The redemption, and its cancellation if there was one."""
        with require_database():
            result, cancelled = _redemption(id, merchant_caller(request).merchant_id)
        body = life_bodies.redemption_body(result)
        body["cancelled_at"] = life_bodies.iso(cancelled.at) if cancelled else None
        body["cause"] = cancelled.data.get("cause") if cancelled else None
        return Response(body)


def _redemption(id: UUID, merchant_id: int) -> tuple[lifecycle.Result, CouponEvent | None]:
    event = lifecycle.event_of(id, Verb.REDEEM)
    if event is None:
        raise UnknownCoupon(NO_SUCH_COUPON)
    found = read_coupon(pk=event.coupon_id, merchant_id=merchant_id)
    result = lifecycle.Result(found.life, found.terms, found.code, found.now, False, event)
    return result, lifecycle.event_of(id, Verb.CANCEL)


class Cancellation(MerchantResource):
    scopes = {"POST": Scope.REDEEM}

    @described(
        "cancel",
        "Take a redemption back",
        description="Cause `shop` or `payment`: a coupon past its end comes alive for some days.",
        fields=_CANCELLATION,
        example={"cause": "shop"},
        answers={200: (shown.Cancellation, "Cancelled now or before.", shown.CANCELLATION)},
        problems=(404, 410),
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        caller = merchant_caller(request)
        body = read_body(request, _CANCELLATION)

        def cancel() -> Answer:
            result = lifecycle.cancel_redemption(
                id,
                merchant_id=caller.merchant_id,
                actor=key_actor(caller),
                cause=body["cause"],
                reason=body["reason"],
            )
            return Answer(200, life_bodies.cancellation_body(result))

        return answer_once(request, body, cancel)


class ReturnQuote(MerchantResource):
    scopes = {"POST": Scope.READ}

    @described(
        "return_quote",
        "What a partial return means",
        fields=_RETURN,
        example={"remaining_subtotal": "12000"},
        answers={200: (shown.ReturnQuote, "The terms on what remains.", shown.RETURN)},
        problems=(404, 409),
        writes=False,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """What the discount would be if only a part of the order stays. Changes nothing."""
        body = read_body(request, _RETURN)
        with require_database():
            result, cancelled = _redemption(id, merchant_caller(request).merchant_id)
        if cancelled is not None:
            raise IllegalStep("This redemption was cancelled: nothing of it is left to return.")
        event, currency = result.event, result.terms.discount.currency
        remaining = discounts.parse_amount(
            body["remaining_subtotal"], currency, "remaining_subtotal"
        )
        subtotal = (event and event.subtotal) or Decimal(0)
        discount = (event and event.discount) or Decimal(0)
        if remaining > subtotal:
            raise BadInput("remaining_subtotal", "must not be more than the redeemed subtotal")
        part = quotes.quote_return(result.terms, subtotal, discount, remaining)
        return Response(life_bodies.return_body(result.terms, part))
