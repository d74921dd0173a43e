"""What strangers cause in the log is bounded: one line a second of each kind, short, and counted.

A kind is a logger with the place in the code: whatever a client invents is not a part of it. The
next line of a kind says how many were left out since the last one.
"""

import logging
import time
from threading import Lock

from coupons.observability import stranger_metrics

SECURITY = "django.security"
# Loggers of what a client or a message can cause as often as it likes.
STRANGERS = (
    SECURITY, "django.request", "config.request_guard", "config.worker", "celery.worker", "kombu",
    "coupons.api", "coupons.pages", "coupons.tasks", "coupons.identity", "coupons.broker",
    "coupons.issuing.queue_proof", "coupons.grants.waitlist_proof",
)  # fmt: skip
EVERY_S = 1.0

Kind = tuple[str, str, int]


class RareLines(logging.Filter):
    """Of a handler: lets one record a second of each kind pass."""

    def __init__(self) -> None:
        super().__init__()
        self._next_s: dict[Kind, float] = {}
        self._left_out: dict[Kind, int] = {}
        self._lock = Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(STRANGERS):
            return True
        if record.name.startswith(SECURITY):
            _make_short(record)
        kind, now_s = (record.name, record.pathname, record.lineno), time.monotonic()
        with self._lock:
            if now_s < self._next_s.get(kind, 0.0):
                self._left_out[kind] = self._left_out.get(kind, 0) + 1
                stranger_metrics.RECORDS_LEFT_OUT.inc()
                return False
            self._next_s[kind] = now_s + EVERY_S
            left_out = self._left_out.pop(kind, 0)
        if left_out:
            record.msg = f"{record.getMessage()} (and {left_out} more since the last one)"
            record.args = ()
        return True


def _make_short(record: logging.LogRecord) -> None:
    """Counted, without the traceback that Django adds: the place is always the same."""
    kind = record.name.rpartition(".")[2]
    known = kind if kind in stranger_metrics.KINDS else stranger_metrics.OTHER
    stranger_metrics.SECURITY_REFUSALS.labels(known).inc()
    record.msg, record.args = record.getMessage()[:200], ()
    record.exc_info = record.exc_text = None
