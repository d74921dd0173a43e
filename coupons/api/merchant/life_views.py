"""Quotes, reservations, redemptions and single coupons: what a shop's checkout calls."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from coupons.api.merchant import life_bodies, rate_limit
from coupons.api.merchant.auth import merchant_caller
from coupons.api.merchant.base_view import MerchantResource
from coupons.api.merchant.body import Amount, Fields, Flag, Listing, OneOf, Text, Whole, read_body
from coupons.api.merchant.idempotency import Answer, answer_once
from coupons.audit.actors import Actor
from coupons.claims import coupon_codes
from coupons.claims.limits import MAX_USER_BYTES
from coupons.database.availability import require_database
from coupons.errors import BadInput, UnknownCoupon
from coupons.merchants.api_keys import MerchantCaller
from coupons.models import ActorKind, CouponEvent, Scope, Verb
from coupons.models.life import MAX_ORDER_BYTES
from coupons.redemption import discounts, lifecycle, not_stored, quotes, steps
from coupons.redemption.lifecycle import Cart
from coupons.redemption.transition import NO_SUCH_COUPON, read_coupon

MOST_LINES = 200
DEFAULT_HOLD_S = 600
_CODE = Text(64)
_SECONDS = Whole(
    low=steps.SHORTEST_HOLD_S, high=steps.LONGEST_HOLD_S, optional=True, default=DEFAULT_HOLD_S
)
_USER = Text(MAX_USER_BYTES, optional=True)
_REASON = Text(500, optional=True, default="")
_CART: Fields = {
    "code": _CODE,
    "subtotal": Amount(),
    "currency": Text(3),
    "user": _USER,
    "discount": Amount(optional=True),
    "lines": Listing({"id": Text(64), "amount": Amount()}, most=MOST_LINES, optional=True),
}
_ORDER = Text(MAX_ORDER_BYTES)


def _actor(caller: MerchantCaller) -> Actor:
    return Actor(ActorKind.KEY, caller.prefix)


def _code_in(body: dict[str, Any]) -> str:
    code = coupon_codes.normalise_code(body["code"])
    if code is None:
        raise BadInput("code", "is not a coupon code; please check it for a typing error")
    return code


def _cart_in(body: dict[str, Any]) -> Cart:
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


def _by_code(caller: MerchantCaller, ask: Callable[[], HttpResponse]) -> HttpResponse:
    """Call `ask`, which looks a code up. A code that is not found may wait to be stored."""
    try:
        return not_stored.ask_stored(caller.merchant_id, ask)
    except UnknownCoupon:
        rate_limit.count_unknown_code(caller)
        raise


class Quotes(MerchantResource):
    scopes = {"POST": Scope.READ}

    def post(self, request: Request) -> HttpResponse:
        caller = merchant_caller(request)
        body = read_body(request, {**_CART, "order_ref": Text(MAX_ORDER_BYTES, optional=True)})
        code, cart = _code_in(body), _cart_in(body)

        def ask() -> HttpResponse:
            quote = quotes.quote_coupon(
                code, cart, merchant_id=caller.merchant_id, user=body["user"]
            )
            return Response(life_bodies.quote_body(quote, cart.currency, cart.subtotal))

        return _by_code(caller, ask)


class Reservations(MerchantResource):
    scopes = {"POST": Scope.REDEEM}

    def post(self, request: Request) -> HttpResponse:
        caller = merchant_caller(request)
        fields = {**_CART, "order_ref": _ORDER, "seconds": _SECONDS,
                  "replaces": Text(MAX_ORDER_BYTES, optional=True, default="")}  # fmt: skip
        body = read_body(request, fields)
        code, cart = _code_in(body), _cart_in(body)

        def reserve() -> Answer:
            result = lifecycle.reserve_coupon(
                code,
                cart,
                merchant_id=caller.merchant_id,
                actor=_actor(caller),
                seconds=body["seconds"],
                user=body["user"],
                replaces=body["replaces"],
            )
            return Answer(201 if result.is_new else 200, life_bodies.reservation_body(result))

        return _by_code(caller, lambda: answer_once(request, body, reserve))


class Reservation(MerchantResource):
    scopes = {"DELETE": Scope.REDEEM}

    def delete(self, request: Request, id: UUID) -> HttpResponse:
        caller = merchant_caller(request)

        def release() -> Answer:
            result = lifecycle.release_hold(
                id, merchant_id=caller.merchant_id, actor=_actor(caller)
            )
            state = result.life.state_at(result.now).value
            return Answer(200, {"id": str(id), "coupon": str(result.life.slot), "state": state})

        return answer_once(request, {}, release)


class Renewal(MerchantResource):
    scopes = {"POST": Scope.REDEEM}

    def post(self, request: Request, id: UUID) -> HttpResponse:
        caller = merchant_caller(request)
        body = read_body(request, {"seconds": _SECONDS})

        def renew() -> Answer:
            result = lifecycle.renew_hold(
                id,
                merchant_id=caller.merchant_id,
                actor=_actor(caller),
                seconds=body["seconds"],
            )
            return Answer(200, life_bodies.reservation_body(result))

        return answer_once(request, body, renew)


class Redemptions(MerchantResource):
    scopes = {"POST": Scope.REDEEM}

    def post(self, request: Request) -> HttpResponse:
        caller = merchant_caller(request)
        body = read_body(request, {**_CART, "order_ref": _ORDER})
        code, cart = _code_in(body), _cart_in(body)

        def redeem() -> Answer:
            result = lifecycle.redeem_coupon(
                code,
                cart,
                merchant_id=caller.merchant_id,
                actor=_actor(caller),
                user=body["user"],
            )
            return Answer(201 if result.is_new else 200, life_bodies.redemption_body(result))

        return _by_code(caller, lambda: answer_once(request, body, redeem))


class Redemption(MerchantResource):
    scopes = {"GET": Scope.READ}

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

    def post(self, request: Request, id: UUID) -> HttpResponse:
        caller = merchant_caller(request)
        body = read_body(request, {"cause": OneOf(steps.CAUSES), "reason": _REASON})

        def cancel() -> Answer:
            result = lifecycle.cancel_redemption(
                id,
                merchant_id=caller.merchant_id,
                actor=_actor(caller),
                cause=body["cause"],
                reason=body["reason"],
            )
            return Answer(200, life_bodies.cancellation_body(result))

        return answer_once(request, body, cancel)


class ReturnQuote(MerchantResource):
    scopes = {"POST": Scope.READ}

    def post(self, request: Request, id: UUID) -> HttpResponse:
        """What the discount would be if only a part of the order stays. Changes nothing."""
        body = read_body(request, {"remaining_subtotal": Amount()})
        with require_database():
            result, _ = _redemption(id, merchant_caller(request).merchant_id)
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


class Lookup(MerchantResource):
    scopes = {"POST": Scope.READ}

    def post(self, request: Request) -> HttpResponse:
        """A coupon by its code, or a user's coupon of a campaign."""
        caller = merchant_caller(request)
        fields = {"code": Text(64, optional=True), "user": _USER,
                  "campaign": Text(64, optional=True),
                  "nth": Whole(low=1, high=100, optional=True, default=1)}  # fmt: skip
        body = read_body(request, fields)
        if (body["code"] is None) == (body["user"] is None or body["campaign"] is None):
            raise BadInput("code", "give either a code, or a user and a campaign")
        if body["code"] is None:
            found = {
                "user": body["user"], "campaign__slug": body["campaign"], "nth": body["nth"],
            }  # fmt: skip
        else:
            found = {"code": _code_in(body)}

        def ask() -> HttpResponse:
            with require_database():
                coupon = read_coupon(merchant_id=caller.merchant_id, **found)
                events = list(CouponEvent.objects.filter(coupon_id=coupon.life.slot))
            return Response(
                life_bodies.coupon_life_body(
                    coupon.life, coupon.terms, coupon.code, coupon.now, events
                )
            )

        return _by_code(caller, ask)


class Revocation(MerchantResource):
    scopes = {"POST": Scope.REVOKE}

    def post(self, request: Request) -> HttpResponse:
        """Revoke one coupon. `returns`: its unit of stock comes back."""
        caller = merchant_caller(request)
        fields = {"code": _CODE, "reason": Text(500),
                  "force": Flag(optional=True, default=False),
                  "returns": Flag(optional=True, default=False)}  # fmt: skip
        body = read_body(request, fields)
        code = _code_in(body)

        def revoke() -> Answer:
            result = lifecycle.revoke_coupon(
                code=code,
                merchant_id=caller.merchant_id,
                actor=_actor(caller),
                reason=body["reason"],
                force=body["force"],
                returns=body["returns"],
            )
            return Answer(200, _state_body(result))

        return _by_code(caller, lambda: answer_once(request, body, revoke))


class UndoRevocation(MerchantResource):
    scopes = {"POST": Scope.REVOKE}

    def post(self, request: Request, coupon: int) -> HttpResponse:
        caller = merchant_caller(request)
        body = read_body(request, {"reason": Text(500)})

        def undo() -> Answer:
            result = lifecycle.undo_revocation(
                coupon,
                merchant_id=caller.merchant_id,
                actor=_actor(caller),
                reason=body["reason"],
            )
            return Answer(200, _state_body(result))

        return answer_once(request, body, undo)


def _state_body(result: lifecycle.Result) -> dict[str, Any]:
    return {
        "coupon": str(result.life.slot),
        "campaign": result.terms.slug,
        "user": result.life.user,
        "place": result.life.place,
        "state": result.life.state_at(result.now).value,
        "version": result.life.version,
    }
