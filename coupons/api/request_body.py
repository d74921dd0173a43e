"""Validation of request bodies by hand: a serializer is too slow for one optional field."""

from typing import Any

from rest_framework.request import Request

from coupons.api.json import LARGEST_BODY, body_of
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import coupon_codes
from coupons.claims.stranger_text import (
    OddValue,
    shown_text,
    text_from_stranger,
    whole_from_stranger,
)
from coupons.claims.typed_fields import MOST_NAME
from coupons.claims.values import Claim
from coupons.errors import BadInput, LengthRequired
from coupons.identity.user_tokens import Caller


def read_claim(request: Request, caller: Caller, campaign: CampaignSnapshot) -> Claim:
    """The body is empty or `{"nth": n}`. Raises BadInput, BodyTooLarge, LengthRequired."""
    body = _read_object(request, "nth")
    return Claim(caller.user, _nth(body.get("nth", 1), campaign))


def read_receipt(request: Request) -> str:
    """The body is `{"receipt": "…"}`. Raises as `read_claim`."""
    try:
        return text_from_stranger(
            _read_object(request, "receipt").get("receipt"), most=LARGEST_BODY
        )
    except OddValue:
        raise BadInput("receipt", "must be the text of a receipt") from None


def read_confirmation(request: Request) -> None:
    """The body is `{"confirm": true}`. Raises as `read_claim`."""
    if _read_object(request, "confirm").get("confirm") is not True:
        raise BadInput("confirm", "must be true: this can't be undone")


def _read_object(request: Request, field: str) -> dict[str, Any]:
    """The body, an object that may have only this field."""
    if "HTTP_TRANSFER_ENCODING" in request._request.META:  # WSGI would read it as empty
        raise LengthRequired("Send the body with a Content-Length, not in chunks.")
    body = body_of(request._request)
    if not isinstance(body, dict):
        raise BadInput("body", "must be an object")
    for name in body:
        if name != field:
            raise BadInput(shown_text(name, MOST_NAME), "is not a field of this request")
    return body


def claim_in_query(request: Request, campaign: CampaignSnapshot) -> Claim:
    """As `read_claim`, for a GET: `?nth=n`. Raises BadInput."""
    nth = number_in_query(request.query_params, "nth", default=1, high=campaign.per_user)
    return Claim(authenticated_caller(request).user, nth)


def number_in_query(parameters: Any, name: str, *, default: int, low: int = 1, high: int) -> int:
    """A whole number of the address, `default` without the parameter. Raises BadInput."""
    text = parameters.get(name)
    if text is None:
        return default
    try:
        return whole_from_stranger(text, low=low, high=high)
    except OddValue as odd:
        raise BadInput(name, odd.why) from None


def _nth(nth: Any, campaign: CampaignSnapshot) -> int:
    if not isinstance(nth, int) or isinstance(nth, bool) or not 1 <= nth <= campaign.per_user:
        raise BadInput("nth", f"must be a whole number from 1 to {campaign.per_user}")
    return nth


def authenticated_caller(request: Request) -> Caller:
    user: Any = request.user
    assert isinstance(user, Caller)  # noqa: S101 - HasUser has checked it
    return user


def read_code(typed: str) -> str:
    """Raises BadInput."""
    code = coupon_codes.normalise_code(typed)
    if code is None:
        raise BadInput("code", "is not a coupon code; please check it for a typing error")
    return code
