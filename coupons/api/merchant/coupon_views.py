"""Single coupons: their life, and revocations."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from coupons.api.merchant import life_bodies
from coupons.api.merchant import life_schemas as shown
from coupons.api.merchant.auth import merchant_caller
from coupons.api.merchant.base_view import MerchantResource
from coupons.api.merchant.body import Fields, Flag, Text, Whole, read_body
from coupons.api.merchant.described import described
from coupons.api.merchant.idempotency import Answer, answer_once
from coupons.api.merchant.life_requests import CODE, USER, ask_by_code, code_in, key_actor
from coupons.database.availability import require_database
from coupons.errors import BadInput, UnknownCoupon
from coupons.models import CouponEvent, Scope
from coupons.redemption import lifecycle
from coupons.redemption.transition import NO_SUCH_COUPON, read_coupon

MOST_ID = 2**63 - 1  # of a coupon
_LOOKUP: Fields = {
    "code": Text(64, optional=True),
    "user": USER,
    "campaign": Text(64, optional=True),
    "nth": Whole(low=1, high=100, optional=True, default=1),
}
_REVOCATION: Fields = {
    "code": CODE,
    "reason": Text(500),
    "force": Flag(optional=True, default=False),
    "returns": Flag(optional=True, default=False),
}
_UNDO: Fields = {"reason": Text(500)}


class Lookup(MerchantResource):
    scopes = {"POST": Scope.READ}

    @described(
        "lookup",
        "A coupon and its life",
        description="By its code, or by a user and a campaign.",
        fields=_LOOKUP,
        example={"code": shown.CODE},
        answers={200: (shown.CouponLife, "The coupon.", shown.LIFE)},
        problems=(404,),
        writes=False,
    )
    def post(self, request: Request) -> HttpResponse:
        """A coupon by its code, or a user's coupon of a campaign."""
        caller = merchant_caller(request)
        body = read_body(request, _LOOKUP)
        if (body["code"] is None) == (body["user"] is None or body["campaign"] is None):
            raise BadInput("code", "give either a code, or a user and a campaign")
        if body["code"] is None:
            found = {
                "user": body["user"], "campaign__slug": body["campaign"], "nth": body["nth"],
            }  # fmt: skip
        else:
            found = {"code": code_in(body)}

        def ask() -> HttpResponse:
            with require_database():
                coupon = read_coupon(merchant_id=caller.merchant_id, **found)
                events = list(CouponEvent.objects.filter(coupon_id=coupon.life.slot))
            return Response(
                life_bodies.coupon_life_body(
                    coupon.life, coupon.terms, coupon.code, coupon.now, events
                )
            )

        return ask_by_code(caller, ask) if "code" in found else ask()


class Revocation(MerchantResource):
    scopes = {"POST": Scope.REVOKE}

    @described(
        "revoke",
        "Revoke a coupon",
        description="`force`: also one that an order holds. `returns`: its stock comes back.",
        fields=_REVOCATION,
        example={"code": shown.CODE, "reason": "won by a bot"},
        answers={200: (shown.CouponStateShown, "Revoked now or before.", shown.REVOKED)},
        problems=(404, 410),
    )
    def post(self, request: Request) -> HttpResponse:
        """Revoke one coupon. `returns`: its unit of stock comes back."""
        caller = merchant_caller(request)
        body = read_body(request, _REVOCATION)
        code = code_in(body)

        def revoke() -> Answer:
            result = lifecycle.revoke_coupon(
                code=code,
                merchant_id=caller.merchant_id,
                actor=key_actor(caller),
                reason=body["reason"],
                force=body["force"],
                returns=body["returns"],
            )
            return Answer(200, _state_body(result))

        return ask_by_code(caller, lambda: answer_once(request, body, revoke))


class UndoRevocation(MerchantResource):
    scopes = {"POST": Scope.REVOKE}

    @described(
        "undo_revoke",
        "Undo a revocation of the last 24 hours",
        fields=_UNDO,
        example={"reason": "revoked by mistake"},
        answers={200: (shown.CouponStateShown, "As before.", {**shown.REVOKED, "state": "issued"})},
        problems=(404, 410),
    )
    def post(self, request: Request, coupon: int) -> HttpResponse:
        caller = merchant_caller(request)
        body = read_body(request, _UNDO)
        if coupon > MOST_ID:
            raise UnknownCoupon(NO_SUCH_COUPON)

        def undo() -> Answer:
            result = lifecycle.undo_revocation(
                coupon,
                merchant_id=caller.merchant_id,
                actor=key_actor(caller),
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
