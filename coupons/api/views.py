"""The views of API v1. Each is four moves: validate, ask, map, answer."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from coupons import (
    admission,
    coupon_codes,
    database,
    facts,
    live_counts,
    queries,
    receipt_status,
    snapshot,
)
from coupons.api import answers, asked, limits, schemas
from coupons.api.page import Page
from coupons.api.resource import Resource
from coupons.errors import BadInput


def _problems(*statuses: int) -> dict[Any, Any]:
    return {(status, "application/problem+json"): schemas.Problem for status in statuses}


_NTH = OpenApiParameter("nth", int, description="Which of the user's coupons.", default=1)


class Claims(Resource):
    @extend_schema(
        operation_id="claim",
        summary="Ask for a coupon",
        description="Asking again is always safe: the same user gets the same answer.",
        request=schemas.ClaimRequest,
        responses={
            201: OpenApiResponse(schemas.HeldPlace, "Admitted and stored (direct)."),
            202: OpenApiResponse(schemas.HeldPlace, "Admitted, on its way to be stored (queued)."),
            200: OpenApiResponse(schemas.HeldPlace, "Admitted before; the same body as then."),
            **_problems(400, 401, 403, 404, 409, 410, 411, 413, 415, 429, 503),
        },
    )
    def post(self, request: Request, slug: str) -> HttpResponse:
        caller = asked.caller(request)
        limits.check_claims_of(caller.user)
        campaign = facts.of(slug)
        claim = asked.claim(request, caller, campaign)
        admitted = admission.admit(campaign, claim, segments=caller.segments)
        return answers.of_admission(campaign, claim, admitted)


class ClaimOfMine(Resource):
    @extend_schema(
        operation_id="claim_status",
        summary="Where my claim stands: none, queued, issued",
        parameters=[_NTH],
        responses={200: schemas.ClaimStatus, **_problems(400, 401, 404, 503)},
    )
    def get(self, request: Request, slug: str) -> Response:
        campaign = facts.of(slug)
        claim = asked.claim_in_query(request, campaign)
        return Response(answers.of_standing(campaign, claim, queries.standing(campaign, claim)))


class PublicCampaign(Resource):
    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="campaign",
        summary="A campaign as everybody may see it",
        auth=[],
        responses={200: schemas.PublicCampaign, **_problems(404, 503)},
    )
    def get(self, request: Request, slug: str) -> Response:
        campaign = facts.of(slug)
        return Response(answers.of_campaign(campaign, live_counts.live_counts(campaign)))


class Coupons(Resource):
    @extend_schema(
        operation_id="coupons",
        summary="My coupons",
        parameters=[OpenApiParameter("cursor", str), OpenApiParameter("limit", int)],
        responses={200: schemas.CouponPage, **_problems(400, 401, 503)},
    )
    def get(self, request: Request) -> Response:
        page = Page()
        with database.answering():
            rows = page.paginate_queryset(queries.coupons_of(asked.caller(request).user), request)
        said = [answers.coupon(row, snapshot.from_row(row.campaign)) for row in rows or []]
        return page.get_paginated_response(said)


class CouponOfMine(Resource):
    @extend_schema(
        operation_id="coupon",
        summary="One of my coupons, by its code as typed",
        responses={200: schemas.CouponBody, **_problems(400, 401, 404, 503)},
    )
    def get(self, request: Request, code: str) -> Response:
        known = coupon_codes.normalise(code)
        if known is None:
            raise BadInput("code", "is not a coupon code; please check it for a typing error")
        row = queries.coupon_of(asked.caller(request).user, known)
        return Response(answers.coupon(row, snapshot.from_row(row.campaign)))


class Receipts(Resource):
    @extend_schema(
        operation_id="verify_receipt",
        summary="Is a receipt genuine, and is its coupon stored?",
        description=(
            "Who holds a receipt may ask; whose it is is not told. Counts as a claim towards the "
            "limit per user."
        ),
        request=schemas.ReceiptRequest,
        responses={
            200: schemas.ReceiptStatus,
            **_problems(400, 401, 411, 413, 415, 429, 503),
        },
    )
    def post(self, request: Request) -> Response:
        caller = asked.caller(request)
        limits.check_claims_of(caller.user)
        finding = receipt_status.verify(asked.receipt(request))
        return Response(answers.of_receipt(finding, caller.user))
