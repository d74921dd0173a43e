"""The views of API v1. Each has four steps: validate, call the domain, map the result, respond."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from coupons.admission import strategies
from coupons.api import rate_limit, request_body, responses
from coupons.api.base_view import Resource
from coupons.api.pagination import Page
from coupons.audit.actors import Actor
from coupons.campaigns import live_counts, lookup, snapshot
from coupons.database import availability
from coupons.issuing import claim_status, receipt_status
from coupons.models import ActorKind, Campaign
from coupons.proof import published
from coupons.redemption import lifecycle


class Claims(Resource):
    def post(self, request: Request, slug: str) -> HttpResponse:
        caller = request_body.authenticated_caller(request)
        rate_limit.check_claims_of(caller.user, slug)
        campaign = lookup.find_public(slug)
        claim = request_body.read_claim(request, caller, campaign)
        admitted = strategies.admit(campaign, claim, segments=caller.segments)
        return responses.of_admission(campaign, claim, admitted)


class ClaimOfMine(Resource):
    def get(self, request: Request, slug: str) -> Response:
        campaign = lookup.find_public(slug)
        claim = request_body.claim_in_query(request, campaign)
        return Response(
            responses.of_standing(campaign, claim, claim_status.claim_status(campaign, claim))
        )


class PublicCampaign(Resource):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request, slug: str) -> Response:
        campaign = lookup.find_public(slug)
        live = live_counts.live_counts(campaign)
        is_over = live.state == Campaign.State.CLOSED
        proof = published.find_published(campaign.id) if is_over else None
        return Response(responses.of_campaign(campaign, live, proof))


class Coupons(Resource):
    def get(self, request: Request) -> Response:
        page = Page()
        with availability.require_database():
            rows = page.paginate_queryset(
                claim_status.coupons_of(request_body.authenticated_caller(request).user), request
            )
        bodies = [
            responses.coupon_body(row, snapshot.snapshot_of(row.campaign)) for row in rows or []
        ]
        return page.get_paginated_response(bodies)


class CouponOfMine(Resource):
    def get(self, request: Request, code: str) -> Response:
        caller = request_body.authenticated_caller(request)
        with rate_limit.counted_lookup(caller.user):
            row = claim_status.coupon_of(caller.user, request_body.read_code(code))
        return Response(responses.coupon_body(row, snapshot.snapshot_of(row.campaign)))


class GiveBack(Resource):
    def post(self, request: Request, code: str) -> Response:
        caller = request_body.authenticated_caller(request)
        rate_limit.check_claims_of(caller.user)
        request_body.read_confirmation(request)
        actor = Actor(ActorKind.USER, caller.user)
        with rate_limit.counted_lookup(caller.user):
            result = lifecycle.give_back_coupon(
                request_body.read_code(code), user=caller.user, actor=actor
            )
        return Response(responses.given_back_body(result))


class Receipts(Resource):
    def post(self, request: Request) -> Response:
        caller = request_body.authenticated_caller(request)
        rate_limit.check_claims_of(caller.user)
        rate_limit.check_failed_lookups(caller.user)
        finding = receipt_status.verify_receipt(request_body.read_receipt(request))
        if finding is None:
            rate_limit.count_failed_lookup(caller.user)
        return Response(responses.of_receipt(finding, caller.user))
