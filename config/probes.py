"""`/livez`: the process answers. `/readyz`: this host can decide claims, so the balancer may send
some; while the file `DRAINING_FILE` is there it says no: a deployment takes the host out of
service. `/metrics`: what Prometheus reads.

They stand on the operators' door only, and are asked by machines that call us by an address, not by
a name in ALLOWED_HOSTS, and over plain HTTP. So they are answered before the host is judged and
before anything redirects; from memory, so that asking often costs the stores nothing.
"""

from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse

from config.dependency_watch import dependency_watch
from config.metrics import exposition
from coupons.monitoring import collectors

_Answer = Callable[[HttpRequest], HttpResponse]
METHODS = ("GET", "HEAD")


def answer_livez(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"live": True})


def answer_readyz(request: HttpRequest) -> HttpResponse:
    """503 without Redis, without the door that users claim at, and while somebody drains the host:
    it still answers, but a balancer is to send no more. A database that is away or hangs is told
    but does no harm here: claims go on being admitted and wait in the queue. So does a beat that
    is gone: no host serves better than this one, and all would be taken out of service."""
    if _is_draining():
        return JsonResponse({"ready": False, "draining": True}, status=503)
    seen = dependency_watch().seen()
    is_ready = seen.redis and seen.doors and not seen.is_stale
    body = {
        "ready": is_ready,
        "redis": seen.redis,
        "database": seen.database,
        "doors": seen.doors,
        "sweeps": seen.sweeps,
    }
    return JsonResponse(body, status=200 if is_ready else 503)


def _is_draining() -> bool:
    return bool(settings.DRAINING_FILE) and Path(settings.DRAINING_FILE).exists()


def answer_metrics(_: HttpRequest) -> HttpResponse:
    return HttpResponse(
        exposition.metrics_page(collectors.Build()), content_type=exposition.CONTENT_TYPE
    )


PROBES: dict[str, _Answer] = {
    "/livez": answer_livez,
    "/readyz": answer_readyz,
    "/metrics": answer_metrics,
}


def answer_probes(answer: _Answer) -> _Answer:
    """Middleware, the first of all."""

    def answered(request: HttpRequest) -> HttpResponse:
        probe = PROBES.get(request.path_info)
        if probe is None:
            return answer(request)
        if request.method not in METHODS:
            return HttpResponseNotAllowed(METHODS)
        return probe(request)

    return answered
