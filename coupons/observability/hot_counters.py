"""Buffered metrics of claims: a claim costs one append; a thread writes them in batches.

A counter in a file shared by several processes costs 2 µs per increment, a histogram 5 µs, and
threads wait for each other. So claims are buffered in memory, and written by a thread twice a
second, when the process ends, and when its own metrics are read. A killed process loses at most
half a second of counts; no guarantee depends on them.
"""

import atexit
import logging
import os
import threading
import time
from collections import Counter, defaultdict, deque
from functools import cache

from coupons.claims.values import HOLDS_A_PLACE, Outcome
from coupons.observability import metrics
from coupons.observability.metrics import Answer

logger = logging.getLogger(__name__)

EVERY_S = 0.5

_claims: deque[tuple[str, str, float]] = deque()  # campaign, outcome, seconds
_writer: threading.Thread | None = None
_starting, _writing = threading.Lock(), threading.Lock()


def count_claim(campaign: str, outcome: str, seconds: float) -> None:
    """Count a claim by its outcome, or by the code of its failure; `seconds`: its latency."""
    _claims.append((campaign, outcome, seconds))
    if _writer is None:
        _start_writer()


def flush_counters() -> None:
    """Write all buffered claims to the metrics."""
    with _writing:
        _write_claims()


def _write_claims() -> None:
    seconds: dict[Answer, list[float]] = defaultdict(list)
    counts: Counter[tuple[str, str]] = Counter()
    for _ in range(len(_claims)):  # other threads may append meanwhile
        campaign, outcome, duration = _claims.popleft()
        counts[campaign, outcome] += 1
        seconds[_answer(outcome)].append(duration)
    for (campaign, outcome), count in counts.items():
        metrics.CLAIMS.labels(metrics.campaign_label(campaign), outcome).inc(count)
    for answer, durations in seconds.items():
        metrics.observe_all(metrics.ADMISSION.labels(answer), sorted(durations))


@cache
def _answer(outcome: str) -> Answer:
    if outcome in HOLDS_A_PLACE:
        return Answer.ISSUED
    return Answer.REFUSED if outcome in set(Outcome) else Answer.FAILED


def _start_writer() -> None:
    global _writer
    with _starting:
        if _writer is None:
            _writer = threading.Thread(target=_write_in_loop, name="counting", daemon=True)
            _writer.start()


def _write_in_loop() -> None:
    while True:
        time.sleep(EVERY_S)
        try:
            flush_counters()
        except Exception:  # such as a full disk: the thread must go on, or the buffers grow
            logger.exception("the metrics of the last half second are lost")


def _reset_after_fork() -> None:
    """In a forked child: it has no writer thread, and the buffered claims belong to the parent."""
    global _writer, _starting, _writing
    _writer, _starting, _writing = None, threading.Lock(), threading.Lock()
    _claims.clear()


os.register_at_fork(after_in_child=_reset_after_fork)
atexit.register(flush_counters)
