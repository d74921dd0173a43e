"""The waitlist of a sold-out campaign, for users."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from coupons.api import rate_limit, request_body, responses
from coupons.api.base_view import Resource
from coupons.campaigns import lookup
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.timestamps import iso_of, milliseconds_of
from coupons.claims.values import Admission, Claim, Outcome
from coupons.grants import waitlist
from coupons.grants.waitlist import NotNow, Standing


class Waitlist(Resource):
    http_method_names = ("get", "head", "post", "delete")  # type: ignore[assignment]

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

    def get(self, request: Request, slug: str) -> Response:
        campaign, user = lookup.find_public(slug), request_body.authenticated_caller(request).user
        return Response(_body(campaign, waitlist.find_standing(campaign, user)))

    def delete(self, request: Request, slug: str) -> Response:
        campaign, user = lookup.find_public(slug), request_body.authenticated_caller(request).user
        waitlist.leave_waitlist(campaign, user)
        return Response(_body(campaign, waitlist.find_standing(campaign, user)))


class AcceptOffer(Resource):
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
