"""`/livez`: the process answers, and says which version it is. `/readyz`: this host can decide
claims, so the load balancer may send requests; 503 while the file `DRAINING_FILE` exists, by which
a deployment takes the host out of service. `/metrics`: the page for Prometheus.

They are served by the operators' door only. Their callers are machines that use an IP address, not
a name in ALLOWED_HOSTS, and plain HTTP. So they are answered before the Host header is checked and
before any redirect; from cached results, so that frequent calls cost the stores nothing.
"""

from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse

from config.dependency_watch import dependency_watch
from config.metrics import exposition
from coupons import __version__
from coupons.monitoring import collectors

_Answer = Callable[[HttpRequest], HttpResponse]
METHODS = ("GET", "HEAD")


def answer_livez(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"live": True, "version": __version__})


def answer_readyz(request: HttpRequest) -> HttpResponse:
    """503 if Redis or the users' door does not answer, if the last check is stale, or while the
    host is being drained: it still answers, but a load balancer must send no more. A database that
    is down or hangs is reported but leaves the status 200: claims are still admitted and wait in
    the queue. So does a missing beat: it affects all hosts alike, and all would be taken out of
    service."""
    if _is_draining():
        return JsonResponse({"ready": False, "draining": True}, status=503)
    state = dependency_watch().seen()
    is_ready = state.redis and state.doors and not state.is_stale
    body = {
        "ready": is_ready,
        "redis": state.redis,
        "database": state.database,
        "doors": state.doors,
        "sweeps": state.sweeps,
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


def answer_probes(get_response: _Answer) -> _Answer:
    """Middleware, the outermost one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        probe = PROBES.get(request.path_info)
        if probe is None:
            return get_response(request)
        if request.method not in METHODS:
            return HttpResponseNotAllowed(METHODS)
        return probe(request)

    return middleware
