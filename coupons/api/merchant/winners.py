"""Exports of a campaign's coupons, and what is known of one user: for merchants."""

from typing import ClassVar

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from coupons.api.merchant import bulk_schemas
from coupons.api.merchant.auth import merchant_caller
from coupons.api.merchant.base_view import MerchantResource
from coupons.api.merchant.described import described
from coupons.api.merchant.jobs import read_after
from coupons.attempts.attempts_of_user import find_attempts
from coupons.audit import trail
from coupons.audit.reads import record_read
from coupons.bulk import exports, receiving
from coupons.bulk.reading import Format
from coupons.claims.limits import MAX_USER_BYTES
from coupons.claims.stranger_text import OddValue, text_from_stranger
from coupons.errors import BadInput
from coupons.models import Act, Scope

EXPORT_TIME_S = 20.0  # an export takes a thread of the web process: then the client asks again
_TYPES = {Format.CSV: "text/csv; charset=utf-8", Format.JSON_LINES: "application/jsonl"}


class Winners(MerchantResource):
    scopes: ClassVar = {"GET": Scope.EXPORT}

    @described(
        "export_coupons",
        "All coupons of a campaign, in the order of their places",
        description=(
            "A stream of lines. The last one says that it is complete, or after which place to go "
            'on (`{"complete": false, "after": 5000}`); without it the connection was cut off: '
            "go on after the last place received."
        ),
        parameters=(
            OpenApiParameter("after", int, description="Coupons above this place."),
            OpenApiParameter("format", str, enum=["jsonl", "csv"], description="Default: jsonl."),
        ),
        answers={200: (bulk_schemas.ExportedCoupon, "One line.", bulk_schemas.EXPORTED)},
        answer_type="application/jsonl",
        text_types=("text/csv",),
        problems=(400, 404, 409),
        writes=False,
    )
    def get(self, request: Request, slug: str) -> StreamingHttpResponse:
        file_format = request.query_params.get("format", Format.JSON_LINES.value)
        if file_format not in list(Format):
            raise BadInput("format", "must be one of: jsonl, csv")
        merchant_id = merchant_caller(request).merchant_id
        campaign = receiving.find_campaign(slug, merchant_id=merchant_id)
        trail.record_or_log(
            Act.EXPORTED, kind="campaign", id=campaign.slug, campaign=campaign,
            after={"format": file_format},
        )  # fmt: skip
        chunks = exports.export_coupons(
            campaign, Format(file_format), after=read_after(request), time_s=EXPORT_TIME_S
        )
        return StreamingHttpResponse(chunks, content_type=_TYPES[Format(file_format)])


class Attempts(MerchantResource):
    scopes: ClassVar = {"GET": Scope.SUPPORT}

    @described(
        "attempts",
        "Why has this user a coupon, or none?",
        parameters=(OpenApiParameter("campaign", str, required=True),),
        answers={200: (bulk_schemas.Attempts, "What both stores know.", bulk_schemas.ATTEMPTS)},
        problems=(400, 404, 409),
        writes=False,
    )
    def get(self, request: Request, user: str) -> Response:
        try:
            text_from_stranger(user, most=MAX_USER_BYTES, is_identifier=True)
        except OddValue as odd:
            raise BadInput("user", odd.why) from None
        slug = request.query_params.get("campaign", "")
        if not slug:
            raise BadInput("campaign", "is needed")
        campaign = receiving.find_campaign(slug, merchant_id=merchant_caller(request).merchant_id)
        record_read(kind="attempts", id=slug, user=user, campaign=campaign.pk)
        return Response(find_attempts(campaign, user))
