"""The views of API v1. Each has four steps: validate, call the domain, map the result, respond."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from coupons.admission import strategies
from coupons.api import rate_limit, request_body, responses, schemas
from coupons.api.base_view import Resource
from coupons.api.pagination import Page
from coupons.audit.actors import Actor
from coupons.campaigns import live_counts, lookup, snapshot
from coupons.claims import coupon_codes
from coupons.database import availability
from coupons.errors import BadInput
from coupons.issuing import claim_status, receipt_status
from coupons.models import ActorKind
from coupons.redemption import lifecycle


def _problems(*statuses: int) -> dict[Any, Any]:
    return {(status, "application/problem+json"): schemas.Problem for status in statuses}


_NTH = OpenApiParameter("nth", int, description="Which of the user's coupons.", default=1)


class Claims(Resource):
    @extend_schema(
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
    def post(self, request: Request, slug: str) -> HttpResponse:
        caller = request_body.authenticated_caller(request)
        rate_limit.check_claims_of(caller.user)
        campaign = lookup.find_public(slug)
        claim = request_body.read_claim(request, caller, campaign)
        admitted = strategies.admit(campaign, claim, segments=caller.segments)
        return responses.of_admission(campaign, claim, admitted)


class ClaimOfMine(Resource):
    @extend_schema(
        operation_id="claim_status",
        summary="The status of my claim: none, queued, issued",
        parameters=[_NTH],
        responses={200: schemas.ClaimStatus, **_problems(400, 401, 404, 503)},
    )
    def get(self, request: Request, slug: str) -> Response:
        campaign = lookup.find_public(slug)
        claim = request_body.claim_in_query(request, campaign)
        return Response(
            responses.of_standing(campaign, claim, claim_status.claim_status(campaign, claim))
        )


class PublicCampaign(Resource):
    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="campaign",
        summary="A campaign's public data",
        auth=[],
        responses={200: schemas.PublicCampaign, **_problems(404, 503)},
    )
    def get(self, request: Request, slug: str) -> Response:
        campaign = lookup.find_public(slug)
        return Response(responses.of_campaign(campaign, live_counts.live_counts(campaign)))


class Coupons(Resource):
    @extend_schema(
        operation_id="coupons",
        summary="My coupons",
        parameters=[OpenApiParameter("cursor", str), OpenApiParameter("limit", int)],
        responses={200: schemas.CouponPage, **_problems(400, 401, 503)},
    )
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
    @extend_schema(
        operation_id="coupon",
        summary="One of my coupons, by its code as typed",
        responses={200: schemas.Coupon, **_problems(400, 401, 404, 503)},
    )
    def get(self, request: Request, code: str) -> Response:
        caller = request_body.authenticated_caller(request)
        row = claim_status.coupon_of(caller.user, _read_code(code))
        return Response(responses.coupon_body(row, snapshot.snapshot_of(row.campaign)))


class GiveBack(Resource):
    @extend_schema(
        operation_id="give_back",
        summary="Give one of my coupons back, for good",
        description="Only where the campaign offers it. The user can't claim again.",
        request=schemas.GiveBack,
        responses={
            200: schemas.GivenBack,
            **_problems(400, 401, 404, 409, 410, 411, 413, 415, 429, 503),
        },
    )
    def post(self, request: Request, code: str) -> Response:
        caller = request_body.authenticated_caller(request)
        rate_limit.check_claims_of(caller.user)
        request_body.read_confirmation(request)
        actor = Actor(ActorKind.USER, caller.user)
        result = lifecycle.give_back_coupon(_read_code(code), user=caller.user, actor=actor)
        return Response(responses.given_back_body(result))


def _read_code(typed: str) -> str:
    """Raises BadInput."""
    code = coupon_codes.normalise_code(typed)
    if code is None:
        raise BadInput("code", "is not a coupon code; please check it for a typing error")
    return code


class Receipts(Resource):
    @extend_schema(
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
    def post(self, request: Request) -> Response:
        caller = request_body.authenticated_caller(request)
        rate_limit.check_claims_of(caller.user)
        finding = receipt_status.verify_receipt(request_body.read_receipt(request))
        return Response(responses.of_receipt(finding, caller.user))
