"""What anonymous visitors ask again and again: the time, and how a campaign stands.

From this process's memory: a request asks neither Redis nor MySQL.
"""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema

from coupons.api import schemas
from coupons.api.plain_view import PlainResource, cached_response
from coupons.campaigns import live_document, redis_clock
from coupons.claims.timestamps import iso_of
from coupons.errors import StoreAway


def _problems(*statuses: int) -> dict[Any, Any]:
    return {(status, "application/problem+json"): schemas.Problem for status in statuses}


class Time(PlainResource):
    @extend_schema(
        operation_id="time",
        summary="The time by which campaigns open",
        auth=[],
        responses={200: schemas.Time, **_problems(503)},
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        return self.answer(request)

    def answer(self, request: HttpRequest, **_: str) -> HttpResponse:
        now_ms = redis_clock.estimated_now_ms()
        if now_ms is None:
            raise StoreAway("Redis' clock has not been measured yet.")
        body = orjson.dumps({"now": iso_of(now_ms), "now_ms": now_ms})
        headers = {"Cache-Control": "no-store"}
        return HttpResponse(body, content_type="application/json", headers=headers)


class Live(PlainResource):
    @extend_schema(
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
    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        return self.answer(request, slug=slug)

    def answer(self, request: HttpRequest, **names: str) -> HttpResponse:
        document = live_document.read_live(names["slug"])
        return cached_response(request, document.body, document.etag, max_age_s=1)
