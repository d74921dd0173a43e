"""`/livez`: the process answers. `/readyz`: it can decide claims, so the balancer may send some."""

from django.db import Error, connection
from django.http import HttpRequest, JsonResponse

from coupons.errors import StoreAway
from coupons.store import store


def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"live": True})


def ready(request: HttpRequest) -> JsonResponse:
    """503 without Redis. A database that is away is told but does no harm here: claims go on
    being admitted and wait in the queue."""
    redis, mysql = _redis_answers(), _database_answers()
    body = {"ready": redis, "redis": redis, "mysql": mysql}
    return JsonResponse(body, status=200 if redis else 503)


def _redis_answers() -> bool:
    try:
        return store().now_ms() > 0
    except StoreAway:
        return False


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True
