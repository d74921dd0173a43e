"""The OpenAPI description of the users' API: what each operation takes and answers.

Apart from the views, which the users' door imports without it: drf-spectacular and the serializers
would take part of its memory and of its start. The doors that show the description import this.
"""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from coupons.api import schemas
from coupons.api.openapi import limit_parameter
from coupons.api.pagination import MOST, Page
from coupons.api.v1 import attempts, proof, views, waitlist, watching
from coupons.campaigns import announced
from coupons.claims.limits import MAX_PER_USER


def describe(operation: Callable[..., Any], **description: Any) -> None:
    """Of a view's method; the words are those of drf-spectacular's `extend_schema`."""
    extend_schema(**description)(operation)


def _problems(*statuses: int) -> dict[Any, Any]:
    return {(status, "application/problem+json"): schemas.Problem for status in statuses}


_NTH = OpenApiParameter(
    "nth",
    {"type": "integer", "minimum": 1, "maximum": MAX_PER_USER, "default": 1},
    description="Which of the user's coupons; the campaign says how many a user may have.",
)

describe(
    views.Claims.post,
    operation_id="claim",
    summary="Ask for a coupon",
    description="Asking again is always safe: the same user gets the same answer.",
    request=schemas.Claim,
    responses={
        201: OpenApiResponse(schemas.HeldPlace, "Admitted and stored (direct)."),
        202: OpenApiResponse(schemas.HeldPlace, "Admitted, on its way to be stored (queued)."),
        200: OpenApiResponse(schemas.HeldPlace, "Admitted before; the same body as then."),
        **_problems(400, 401, 403, 404, 409, 410, 411, 413, 415, 429, 503),
    },
)
describe(
    views.ClaimOfMine.get,
    operation_id="claim_status",
    summary="The status of my claim: none, queued, issued",
    parameters=[_NTH],
    responses={200: schemas.ClaimStatus, **_problems(400, 401, 404, 429, 503)},
)
describe(
    views.PublicCampaign.get,
    operation_id="campaign",
    summary="A campaign's public data",
    auth=[],
    responses={200: schemas.PublicCampaign, **_problems(404, 503)},
)
describe(
    views.Coupons.get,
    operation_id="coupons",
    summary="My coupons",
    parameters=[OpenApiParameter("cursor", str), limit_parameter(MOST, Page.page_size)],
    responses={200: schemas.CouponPage, **_problems(400, 401, 429, 503)},
)
describe(
    views.CouponOfMine.get,
    operation_id="coupon",
    summary="One of my coupons, by its code as typed",
    responses={200: schemas.Coupon, **_problems(400, 401, 404, 429, 503)},
)
describe(
    views.GiveBack.post,
    operation_id="give_back",
    summary="Give one of my coupons back, for good",
    description="Only where the campaign offers it. The user can't claim again.",
    request=schemas.GiveBack,
    responses={
        200: schemas.GivenBack,
        **_problems(400, 401, 404, 409, 410, 411, 413, 415, 429, 503),
    },
)
describe(
    views.Receipts.post,
    operation_id="verify_receipt",
    summary="Is a receipt genuine, and is its coupon stored?",
    description=(
        "Any holder of a receipt may verify it; the response does not name its user. Counts as "
        "a claim towards the limit per user."
    ),
    request=schemas.Receipt,
    responses={
        200: schemas.ReceiptStatus,
        **_problems(400, 401, 411, 413, 415, 429, 503),
    },
)
describe(
    attempts.MyAttempts.get,
    operation_id="my_attempts",
    summary="Why did I not get one?",
    description=(
        "My refused claims, as far as they are kept: an entry for each outcome. A refusal is "
        "here about half a second after its answer."
    ),
    responses={
        200: schemas.MyAttempts,
        **{
            (status, "application/problem+json"): schemas.Problem for status in (401, 404, 429, 503)
        },
    },
)
describe(
    proof.Inclusion.get,
    operation_id="inclusion",
    summary="The hashes from my coupon to the campaign's root",
    description=(
        "RFC 9162, SHA-256. The leaf is computed from the receipt: `verify_receipt.py` does "
        "it, and so does the event's page `/proof`. Counts as a claim towards the limit per "
        "user."
    ),
    responses={200: schemas.Inclusion, **_problems(400, 401, 404, 409, 429, 503)},
)
describe(
    waitlist.Waitlist.post,
    operation_id="join_waitlist",
    summary="Wait for a coupon of a sold-out campaign",
    description="Asking again is safe: the number stays. Served strictly by number.",
    request=None,
    responses={
        201: OpenApiResponse(schemas.WaitlistEntry, "Joined."),
        200: OpenApiResponse(schemas.WaitlistEntry, "Joined before; the same number."),
        **_problems(401, 403, 404, 409, 410, 429, 503),
    },
)
describe(
    waitlist.Waitlist.get,
    operation_id="waitlist_status",
    summary="My place on the waitlist",
    description="`position` never grows: 1 is served next, 0 is not waiting any more.",
    responses={200: schemas.WaitlistEntry, **_problems(401, 404, 429, 503)},
)
describe(
    waitlist.Waitlist.delete,
    operation_id="leave_waitlist",
    summary="Leave the waitlist; an offer is declined by it",
    responses={200: schemas.WaitlistEntry, **_problems(401, 404, 409, 429, 503)},
)
describe(
    waitlist.AcceptOffer.post,
    operation_id="accept_offer",
    summary="Accept the coupon that the waitlist offers me",
    request=None,
    responses={200: schemas.WaitlistEntry, **_problems(401, 404, 409, 429, 503)},
)
describe(
    watching.Time.get,
    operation_id="time",
    summary="The time by which campaigns open",
    auth=[],
    responses={200: schemas.Time, **_problems(503)},
)
describe(
    watching.Campaigns.get,
    operation_id="campaigns",
    summary="What opens next",
    description=(
        "Announced and listed campaigns that are not closed: those that will open, the next "
        "one first, then those that have opened, the latest first. Some seconds old at most."
    ),
    auth=[],
    parameters=[
        OpenApiParameter("cursor", str, description="Of `next` or `previous`."),
        limit_parameter(announced.MOST_IN_PAGE, 50),
    ],
    responses={
        200: schemas.CampaignList,
        304: OpenApiResponse(description="As the document that If-None-Match names."),
        **_problems(400, 503),
    },
)
describe(
    watching.Live.get,
    operation_id="live",
    summary="How a campaign stands, for many watchers",
    description="At most a second old, and for shared caches. Poll it once a second at most.",
    auth=[],
    responses={
        200: schemas.Live,
        304: OpenApiResponse(description="As the document that If-None-Match names."),
        **_problems(404, 503),
    },
)
