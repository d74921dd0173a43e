"""The waitlist of a sold-out campaign, for users."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from coupons.api import rate_limit, request_body, responses, schemas
from coupons.api.base_view import Resource
from coupons.campaigns import lookup
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.timestamps import iso_of, milliseconds_of
from coupons.claims.values import Admission, Claim, Outcome
from coupons.grants import waitlist
from coupons.grants.waitlist import NotNow, Standing


def _problems(*statuses: int) -> dict[Any, Any]:
    return {(status, "application/problem+json"): schemas.Problem for status in statuses}


class Waitlist(Resource):
    http_method_names = ("get", "head", "post", "delete")  # type: ignore[assignment]

    @extend_schema(
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
    def post(self, request: Request, slug: str) -> HttpResponse:
        caller = request_body.authenticated_caller(request)
        rate_limit.check_claims_of(caller.user)
        campaign = lookup.find_public(slug)
        if campaign.audience and campaign.audience not in caller.segments:
            return _refusal(campaign, caller.user, Outcome.NOT_ELIGIBLE, 0)
        try:
            joined, is_new = waitlist.join_waitlist(campaign, caller.user)
        except NotNow as refused:
            return _refusal(campaign, caller.user, refused.outcome, refused.at_ms)
        if not is_new:
            return Response(_body(campaign, waitlist.find_standing(campaign, caller.user)))
        body = {
            "campaign": slug,
            "state": "waiting",
            "number": joined.number,
            "position": joined.waiting,
            "asked_at": iso_of(joined.at_ms),
        }
        return Response(body, status=201)

    @extend_schema(
        operation_id="waitlist_status",
        summary="My place on the waitlist",
        description="`position` never grows: 1 is served next, 0 is not waiting any more.",
        responses={200: schemas.WaitlistEntry, **_problems(401, 404, 503)},
    )
    def get(self, request: Request, slug: str) -> Response:
        campaign, user = lookup.find_public(slug), request_body.authenticated_caller(request).user
        return Response(_body(campaign, waitlist.find_standing(campaign, user)))

    @extend_schema(
        operation_id="leave_waitlist",
        summary="Leave the waitlist; an offer is declined by it",
        responses={200: schemas.WaitlistEntry, **_problems(401, 404, 409, 503)},
    )
    def delete(self, request: Request, slug: str) -> Response:
        campaign, user = lookup.find_public(slug), request_body.authenticated_caller(request).user
        waitlist.leave_waitlist(campaign, user)
        return Response(_body(campaign, waitlist.find_standing(campaign, user)))


class AcceptOffer(Resource):
    @extend_schema(
        operation_id="accept_offer",
        summary="Accept the coupon that the waitlist offers me",
        request=None,
        responses={200: schemas.WaitlistEntry, **_problems(401, 404, 409, 429, 503)},
    )
    def post(self, request: Request, slug: str) -> Response:
        user = request_body.authenticated_caller(request).user
        rate_limit.check_claims_of(user)
        campaign = lookup.find_public(slug)
        return Response(_body(campaign, waitlist.accept_offer(campaign, user)))


def _refusal(campaign: CampaignSnapshot, user: str, outcome: Outcome, at_ms: int) -> HttpResponse:
    return responses.of_admission(campaign, Claim(user), Admission(outcome, 0, at_ms))


def _body(campaign: CampaignSnapshot, standing: Standing) -> dict[str, Any]:
    entry = standing.entry
    body: dict[str, Any] = {
        "campaign": campaign.slug,
        "state": entry.state,
        "number": entry.number,
        "position": standing.position,
        "asked_at": iso_of(milliseconds_of(entry.asked_at)),
    }
    if entry.state == "offered" and entry.offer_until is not None:
        body["offer_until"] = iso_of(milliseconds_of(entry.offer_until))
    if entry.place is not None:
        body["place"] = entry.place
    if entry.reason:
        body["reason"] = entry.reason
    return body
