"""What anonymous visitors ask again and again: the time, how a campaign stands, what opens next.

From this process's memory: a request asks neither Redis nor MySQL.
"""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from coupons.api.plain_view import PlainResource, cached_response, entity_tag
from coupons.api.request_body import number_in_query
from coupons.campaigns import announced, live_document, redis_clock
from coupons.claims.timestamps import iso_of
from coupons.errors import StoreAway

LIST_MAX_AGE_S = 5


class Time(PlainResource):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self.answer(request)

    def answer(self, request: HttpRequest, **_: str) -> HttpResponse:
        now_ms = redis_clock.estimated_now_ms()
        if now_ms is None:
            raise StoreAway("Redis' clock has not been measured yet.")
        body = orjson.dumps({
            "now": iso_of(now_ms),
            "now_ms": now_ms,
            "within_ms": round(redis_clock.estimated_error_ms(), 1),
        })  # fmt: skip
        headers = {"Cache-Control": "no-store"}
        return HttpResponse(body, content_type="application/json", headers=headers)


class Campaigns(PlainResource):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self.answer(request)

    def answer(self, request: HttpRequest, **_: str) -> HttpResponse:
        limit = number_in_query(request.GET, "limit", default=50, high=announced.MOST_IN_PAGE)
        page = announced.list_announced(request.GET.get("cursor", ""), limit)
        body = orjson.dumps({
            "next": _page_address(page.next, limit),
            "previous": _page_address(page.previous, limit),
            "results": [_listed_body(campaign) for campaign in page.results],
        })  # fmt: skip
        return cached_response(request, body, entity_tag(body), max_age_s=LIST_MAX_AGE_S)


def _page_address(cursor: str | None, limit: int) -> str | None:
    """Without a host: the document is the same whatever name it is asked for by."""
    return cursor and f"{reverse('campaigns')}?cursor={cursor}&limit={limit}"


def _listed_body(campaign: announced.Listed) -> dict[str, Any]:
    return {
        "campaign": campaign.slug,
        "name": campaign.name,
        "state": campaign.state,
        "opens_at": iso_of(campaign.opens_ms),
        "closes_at": iso_of(campaign.closes_ms),
        "stock": campaign.stock,
        "terms": campaign.terms,
        "audience": campaign.has_audience,
        "page": f"/events/{campaign.slug}",
    }


class Live(PlainResource):
    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        return self.answer(request, slug=slug)

    def answer(self, request: HttpRequest, **names: str) -> HttpResponse:
        document = live_document.read_live(names["slug"])
        return cached_response(request, document.body, document.etag, max_age_s=1)
