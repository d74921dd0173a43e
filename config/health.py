"""`/livez`: the process answers. `/readyz`: it can decide claims, so the balancer may send some.
While the file `DRAINING_FILE` is there it says no: a deployment takes the host out of service.
`/metrics`: what Prometheus reads; whoever may not is told 404, as for any path that is not there.

They are asked by machines that call us by an address, not by a name in ALLOWED_HOSTS, and over
plain HTTP. So they are answered before the host is judged and before anything redirects.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from config import exposition
from coupons import counting, gauges, trace
from coupons.errors import StoreAway
from coupons.store import store

PATIENCE_S = 1.0  # a balancer gives us a few seconds; a hung MySQL would take ten
_Answer = Callable[[HttpRequest], HttpResponse]

_asking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readyz")


def live(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"live": True})


def ready(request: HttpRequest) -> HttpResponse:
    """503 without Redis, and while somebody drains the host: it still answers, but a balancer is
    to send no more. A database that is away or hangs is told but does no harm here:
    claims go on being admitted and wait in the queue."""
    if _draining():
        return JsonResponse({"ready": False, "draining": True}, status=503)
    redis, mysql = redis_answers(), database_answers()
    body = {"ready": redis, "redis": redis, "mysql": mysql}
    return JsonResponse(body, status=200 if redis else 503)


def _draining() -> bool:
    return bool(settings.DRAINING_FILE) and Path(settings.DRAINING_FILE).exists()


def redis_answers() -> bool:
    try:
        return store().now_ms() > 0
    except StoreAway:
        return False


def database_answers() -> bool:
    """In time, that is: the driver's own patience is longer than a balancer's."""
    try:
        return _asking.submit(_select_one).result(timeout=PATIENCE_S)
    except TimeoutError:
        return False


def _select_one() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    finally:
        connection.close()  # this thread's own; the next question opens a fresh one
    return True


def measured(_: HttpRequest) -> HttpResponse:
    return HttpResponse(exposition.page(gauges.Build()), content_type=exposition.CONTENT_TYPE)


def _may_read_metrics(request: HttpRequest) -> bool:
    forwarded = "HTTP_X_FORWARDED_FOR" in request.META
    return exposition.may_read(request.META["REMOTE_ADDR"], forwarded=forwarded)


PROBES: dict[str, _Answer] = {"/livez": live, "/readyz": ready, "/metrics": measured}


def _followed(request: HttpRequest, answer: _Answer) -> HttpResponse:
    """With an id from here to the client, and counted."""
    request_id = trace.begin(request.META.get("HTTP_X_REQUEST_ID"))
    response = answer(request)
    trace.end()
    response.headers["X-Request-Id"] = request_id
    counting.response(response.status_code)
    return response


def probes(answer: _Answer) -> _Answer:
    """Middleware, the first of all."""

    def probed(request: HttpRequest) -> HttpResponse:
        probe = PROBES.get(request.path_info, answer)
        if probe is measured and not _may_read_metrics(request):
            probe = answer
        return _followed(request, answer) if probe is answer else probe(request)

    return probed
