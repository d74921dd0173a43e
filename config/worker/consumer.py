"""`python -m config.worker.consumer`: a worker's health and metrics on a port of their own (8081).

    /livez, /healthz   200 while the worker's main loop runs, else 503
    /readyz            200 if also a task (a canary at least) began or ended within
                       WORKER_PATIENCE_S, both stores answer and beat's sweeps are recent: all that
                       storing and opening need; else 503
    /metrics           the metrics of this host's processes, and the live state of the stores

It is a process beside `celery worker`, not a part of it: it answers while the worker hangs, and it
adds no thread to a worker that forks. It also terminates a stalled worker
(`config.worker.watchdog`). They share PROMETHEUS_MULTIPROC_DIR, in which the worker writes a
heartbeat every two seconds (`config.worker.process`).
"""

import json
import signal
import socket
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import django
from django.conf import settings

from config.dependency_watch import dependency_watch
from config.metrics import exposition, multiprocess
from config.worker import liveness, watchdog
from config.worker.process import STALE_S
from coupons import __version__
from coupons.monitoring import clock_skew, collectors, grant_collector, webhook_collector
from coupons.observability import metrics

_SLOW_CLIENT_S = 5
Response = tuple[HTTPStatus, str, bytes]


def answer_alive() -> Response:
    return _verdict({"version": __version__}, worker=_main_loop_runs())


def answer_ready() -> Response:
    state = dependency_watch().seen()
    fresh = not state.is_stale
    return _verdict(
        worker=_main_loop_runs(),
        canary=_task_ran_recently(),
        redis=state.redis and fresh,
        database=state.database and fresh,
        sweeps=state.sweeps and fresh,
    )


def answer_metrics() -> Response:
    live = (
        collectors.Build(),
        collectors.Campaigns(),
        collectors.Database(),
        webhook_collector.Webhooks(),
        grant_collector.Grants(),
        liveness.Worker(),
    )
    return HTTPStatus.OK, exposition.CONTENT_TYPE, exposition.metrics_page(*live)


def _main_loop_runs() -> bool:
    return liveness.seconds_since(metrics.WORKER_HEARTBEAT) < STALE_S


def _task_ran_recently() -> bool:
    """Whether a task began or ended within WORKER_PATIENCE_S; the watchdog's canaries are tasks."""
    return liveness.seconds_since(metrics.WORKER_LAST_TASK) < settings.WORKER_PATIENCE_S


def _verdict(more: dict[str, str] | None = None, **parts: bool) -> Response:
    status = HTTPStatus.OK if all(parts.values()) else HTTPStatus.SERVICE_UNAVAILABLE
    return status, "application/json", json.dumps(parts | (more or {})).encode()


PATHS: dict[str, Callable[[], Response]] = {
    "/livez": answer_alive,
    "/healthz": answer_alive,
    "/readyz": answer_ready,
    "/metrics": answer_metrics,
}


class Handler(BaseHTTPRequestHandler):
    timeout = _SLOW_CLIENT_S

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        answer = PATHS.get(path)
        if answer is None or (answer is answer_metrics and not self._may_read()):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        status, kind, body = answer()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _may_read(self) -> bool:
        return exposition.may_read(self.client_address[0])

    def log_message(self, format: str, *words: object) -> None:
        """Nothing is logged: a probe comes every few seconds."""


class Server(ThreadingHTTPServer):
    daemon_threads = True  # a slow client does not keep the process from exiting


def main() -> int:
    if not multiprocess.FOLDER:
        print(
            "PROMETHEUS_MULTIPROC_DIR is not set: the worker writes its heartbeat there.",
            file=sys.stderr,
        )
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    django.setup()
    address = (settings.CONSUMER_HOST, settings.CONSUMER_PORT)
    try:
        server = Server(address, Handler)
    except OSError as error:
        print(f"{address[0]} port {address[1]} can't be listened on: {error}.", file=sys.stderr)
        return 1
    with server:
        watchdog.start_watchdog()
        clock_skew.reporter.current.keep_reporting(f"consumer@{socket.gethostname()}")
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
