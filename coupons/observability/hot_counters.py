"""Buffered metrics of claims: a claim costs one append; a thread writes them in batches.

A counter in a file shared by several processes costs 2 µs per increment, a histogram 5 µs, and
threads wait for each other. So claims are buffered in memory, and written by a thread twice a
second, when the process ends, and when its own metrics are read. A killed process loses at most
half a second of counts; no guarantee depends on them.

The same thread hands the numbers of claims to a sink (`send_counts_to`), which adds those of all
processes up: by outcome, and how many took how long. If that fails they are dropped and counted as
lost: sent again, they might be counted twice.
"""

import logging
import math
import threading
import time
from bisect import bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from functools import cache

from coupons.claims.values import HOLDS_A_PLACE, Outcome
from coupons.observability import metrics
from coupons.observability.metrics import Answer
from coupons.runtime import ProcessState

logger = logging.getLogger(__name__)

EVERY_S = 0.5

# Upper bounds of the latency buckets, ms; one more bucket is for what takes longer.
DEMAND_BUCKETS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
# The buckets' names among the counts; no outcome or code looks like one.
LATENCY_WORDS = (*(f"<{bound}" for bound in DEMAND_BUCKETS_MS), f">{DEMAND_BUCKETS_MS[-1]}")
_BOUNDS_S = tuple(bound / 1000 for bound in DEMAND_BUCKETS_MS)

# By campaign, and outcome, code of the failure, or latency bucket (LATENCY_WORDS).
Counts = Mapping[tuple[str, str], int]


class _Buffer:
    """Claims not written yet, and the thread that writes them. Only for the process that made it:
    a forked child has no such thread, and the claims are its parent's."""

    __slots__ = ("_starting", "claims", "sending", "turned_away", "unsent", "writer", "writing")

    def __init__(self) -> None:
        self.claims: deque[tuple[str, str, float]] = deque()  # campaign, outcome, seconds
        self.turned_away: deque[tuple[str, str]] = deque()  # campaign, code
        self.writer: threading.Thread | None = None
        self.writing, self._starting = threading.Lock(), threading.Lock()
        self.unsent: Counter[tuple[str, str]] = Counter()  # counted, and not handed to the sink
        self.sending = threading.Lock()

    def start_writer(self) -> None:
        with self._starting:
            if self.writer is None:
                self.writer = threading.Thread(target=self._write, name="counting", daemon=True)
                self.writer.start()

    def _write(self) -> None:
        """Until the process ends, or a test has started a fresh runtime."""
        while _buffer.current is self:
            time.sleep(EVERY_S)
            try:
                _write_claims(self)
                if _buffer.current is self:
                    _send_unsent(self)
            except Exception:  # such as a full disk: the thread must go on, or the buffers grow
                logger.exception("the metrics of the last half second are lost")


_buffer = ProcessState(_Buffer, anew_after_fork=True)


def count_claim(campaign: str, outcome: str, seconds: float) -> None:
    """Count a claim by its outcome, or by the code of its failure; `seconds`: its latency."""
    buffer = _buffer.current
    buffer.claims.append((campaign, outcome, seconds))
    if buffer.writer is None:
        buffer.start_writer()


def count_turned_away(campaign: str, code: str) -> None:
    """Count a claim that was refused before it came to a decision, by a rate limit or because the
    process is overloaded. A name that this process has not looked up yet is left out: anybody can
    make names up. It is no part of the claims' metrics."""
    if not _is_known(campaign):
        return
    buffer = _buffer.current
    buffer.turned_away.append((campaign, code))
    if buffer.writer is None:
        buffer.start_writer()


def flush_counters() -> None:
    """Write all buffered claims to the metrics."""
    _write_claims(_buffer.current)


def send_counts() -> None:
    """Hand the counts that are not sent yet to the sink. Not for a thread that serves a request."""
    _send_unsent(_buffer.current)


def count_and_send() -> None:
    """What a process does at its end."""
    flush_counters()
    send_counts()


def send_counts_to(sink: Callable[[Counts], None]) -> None:
    """Set the hook that gets the numbers of claims twice a second. It may wait for a store; what it
    raises is logged."""
    global _sink
    _sink = sink


def count_only(is_known: Callable[[str], bool]) -> None:
    """Set the hook that says whether a campaign exists; it asks no store."""
    global _is_known
    _is_known = is_known


def _no_sink(_: Counts) -> None:
    pass


_sink: Callable[[Counts], None] = _no_sink
_is_known: Callable[[str], bool] = bool


def _send_unsent(buffer: _Buffer) -> None:
    with buffer.sending:
        with buffer.writing:
            counts, buffer.unsent = buffer.unsent, Counter()
        if counts:
            _sink(counts)


def _write_claims(buffer: _Buffer) -> None:
    with buffer.writing:
        by_answer: dict[Answer, list[float]] = defaultdict(list)
        for (campaign, outcome), seconds in _take_claims(buffer.claims).items():
            seconds.sort()
            buffer.unsent[campaign, outcome] += len(seconds)
            _count_latency(buffer.unsent, campaign, seconds)
            metrics.CLAIMS.labels(metrics.campaign_label(campaign), outcome).inc(len(seconds))
            by_answer[_answer(outcome)] += seconds
        for answer, durations in by_answer.items():
            metrics.observe_all(metrics.ADMISSION.labels(answer), sorted(durations))
        for _ in range(len(buffer.turned_away)):
            buffer.unsent[buffer.turned_away.popleft()] += 1


def _take_claims(
    claims: deque[tuple[str, str, float]],
) -> dict[tuple[str, str], list[float]]:
    """Take all claims out of the buffer: their latencies in seconds by campaign and outcome."""
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(len(claims)):  # other threads may append meanwhile
        campaign, outcome, duration = claims.popleft()
        seconds[campaign, outcome].append(duration)
    return seconds


def _count_latency(counts: Counter[tuple[str, str]], campaign: str, seconds: list[float]) -> None:
    """`seconds` must be ascending: one search for each bucket, however many claims there are."""
    counted = 0
    for word, bound in zip(LATENCY_WORDS, (*_BOUNDS_S, math.inf), strict=True):
        end = bisect_right(seconds, bound, lo=counted)
        if end > counted:
            counts[campaign, word] += end - counted
        counted = end


@cache
def _answer(outcome: str) -> Answer:
    if outcome in HOLDS_A_PLACE:
        return Answer.ISSUED
    return Answer.REFUSED if outcome in set(Outcome) else Answer.FAILED
