"""DRF with its defaults. The stock is looked up once per process, which is generous."""

import secrets
from functools import cache

import redis
from django.conf import settings
from django.utils import timezone
from prometheus_client import Counter
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shop.issuing import issue_coupon
from shop.models import Campaign

client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.3)
CLAIMS = Counter("tutorial_claims_total", "Claims answered.", ["outcome"])


@cache
def campaign_of(slug: str) -> Campaign:
    return Campaign.objects.get(slug=slug)


class Claim(APIView):
    permission_classes = [IsAuthenticated]

    def post(self, request: Request, slug: str) -> Response:
        try:
            return self._claim(campaign_of(slug), request.user.username)
        except redis.RedisError:
            return Response({"code": "store_away"}, status=503)

    def _claim(self, campaign: Campaign, user: str) -> Response:
        if not client.sadd(f"tutorial:{campaign.slug}:users", user):
            return self._respond("already_claimed", 200)
        place = int(client.incr(f"tutorial:{campaign.slug}:count"))  # type: ignore[arg-type]
        if place > campaign.stock:
            return self._respond("sold_out", 409)
        code = secrets.token_hex(8)
        issue_coupon.delay(campaign.pk, user, place, code)
        CLAIMS.labels("admitted").inc()
        return Response({"campaign": campaign.slug, "place": place, "code": code}, status=202)

    def _respond(self, outcome: str, status: int) -> Response:
        CLAIMS.labels(outcome).inc()
        return Response({"code": outcome}, status=status)


class Page(APIView):
    def get(self, request: Request, slug: str) -> Response:
        try:
            campaign = campaign_of(slug)
        except Campaign.DoesNotExist:
            raise NotFound from None
        body = {"campaign": slug, "stock": campaign.stock, "opens_at": campaign.opens_at}
        return Response(body | {"server_time": timezone.now()})
