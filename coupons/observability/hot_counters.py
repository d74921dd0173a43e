"""Buffered metrics for the hot path: an event costs one append; a thread writes them in batches.

A counter in a file shared by several processes costs 2 µs per increment, a histogram 5 µs; a claim
would pay that three times. So events are buffered in memory and written by a thread twice a second,
when the process ends, and when its own metrics are read. A killed process loses at most half a
second of counts; no guarantee depends on them.
"""

import atexit
import logging
import os
import threading
import time
from collections import Counter, defaultdict, deque
from functools import cache
from typing import TypeVar

from coupons.claims.values import HOLDS_A_PLACE, Outcome
from coupons.observability import metrics
from coupons.observability.metrics import Answer

logger = logging.getLogger(__name__)

EVERY_S = 0.5
_Event = TypeVar("_Event")

_claims: deque[tuple[str, str, float]] = deque()  # campaign, outcome, seconds
_responses: deque[int] = deque()  # status
metrics.RESPONSES.labels("500")  # exported as 0, since Prometheus sees no increase at a new series
_statements: deque[tuple[bool, float]] = deque()  # failed?, seconds
_writer: threading.Thread | None = None
_starting, _writing = threading.Lock(), threading.Lock()


def count_claim(campaign: str, outcome: str, seconds: float) -> None:
    """Count a claim by its outcome, or by the code of its failure; `seconds`: its latency."""
    _claims.append((campaign, outcome, seconds))
    if _writer is None:
        _start()


def count_response(status: int) -> None:
    """Count an HTTP response by its status."""
    _responses.append(status)
    if _writer is None:
        _start()


def count_statement(seconds: float, *, failed: bool) -> None:
    """Count an SQL statement and its duration."""
    _statements.append((failed, seconds))
    if _writer is None:
        _start()


def flush_counters() -> None:
    """Write all buffered events to the metrics."""
    with _writing:
        _write_claims()
        for status, times in Counter(_taken(_responses)).items():
            metrics.RESPONSES.labels(str(status)).inc(times)
        ended = _taken(_statements)
        for failed, end in ((False, "done"), (True, "failed")):
            took = sorted(seconds for failure, seconds in ended if failure is failed)
            metrics.observe_all(metrics.DATABASE_SECONDS.labels(end), took)


def _write_claims() -> None:
    seconds: dict[Answer, list[float]] = defaultdict(list)
    times: Counter[tuple[str, str]] = Counter()
    for campaign, outcome, took in _taken(_claims):
        times[campaign, outcome] += 1
        seconds[_answer(outcome)].append(took)
    for (campaign, outcome), count in times.items():
        metrics.CLAIMS.labels(metrics.campaign_label(campaign), outcome).inc(count)
    for answer, all_of_it in seconds.items():
        metrics.observe_all(metrics.ADMISSION.labels(answer), sorted(all_of_it))


def _taken(gathered: deque[_Event]) -> list[_Event]:
    """Remove and return the events buffered now; other threads may append meanwhile."""
    return [gathered.popleft() for _ in range(len(gathered))]


@cache
def _answer(outcome: str) -> Answer:
    if outcome in HOLDS_A_PLACE:
        return Answer.ISSUED
    return Answer.REFUSED if outcome in set(Outcome) else Answer.FAILED


def _start() -> None:
    global _writer
    with _starting:
        if _writer is None:
            _writer = threading.Thread(target=_write_for_ever, name="counting", daemon=True)
            _writer.start()


def _write_for_ever() -> None:
    while True:
        time.sleep(EVERY_S)
        try:
            flush_counters()
        except Exception:  # such as a full disk: the thread must go on, or the buffers grow
            logger.exception("the metrics of the last half second are lost")


def _begin_anew() -> None:
    """In a forked child: it has no writer thread, and the buffered events belong to the parent."""
    global _writer, _starting, _writing
    _writer, _starting, _writing = None, threading.Lock(), threading.Lock()
    _claims.clear()
    _responses.clear()
    _statements.clear()


os.register_at_fork(after_in_child=_begin_anew)
atexit.register(flush_counters)
