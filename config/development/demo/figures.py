"""Performance of an opening: times and percentiles, computed from its answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from config.development.demo.verdict import Answer
from coupons.claims.values import Outcome


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds and milliseconds; None for what did not happen.

    The latency of an answer is from sending to the last byte, without the wait in the crowd's own
    queue.
    """

    sold_out_after_s: float | None
    stored_after_s: float | None
    rps: float
    admitted_p50_ms: float | None
    admitted_p99_ms: float | None
    sold_out_p50_ms: float | None
    sold_out_p99_ms: float | None


def measure_answers(
    answers: Sequence[Answer], *, stock: int, opens_ms: int, all_stored_ms: int | None
) -> Figures:
    """`sold_out_after_s` is from the opening to the last admission, `stored_after_s` from there
    until the database had committed all of them; both by Redis' clock."""
    last_ms = max((a.admitted_ms for a in answers), default=0)
    sold_out = max((a.place for a in answers), default=0) >= stock
    admitted, refused = _latencies(answers, Outcome.ADMITTED), _latencies(answers, Outcome.SOLD_OUT)
    return Figures(
        sold_out_after_s=_seconds(opens_ms, last_ms if sold_out else None),
        stored_after_s=_seconds(last_ms, all_stored_ms),
        rps=_rate(answers),
        admitted_p50_ms=percentile(admitted, 50),
        admitted_p99_ms=percentile(admitted, 99),
        sold_out_p50_ms=percentile(refused, 50),
        sold_out_p99_ms=percentile(refused, 99),
    )


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least `share` percent do not exceed (nearest rank)."""
    ordered = sorted(values)
    return round(ordered[ceil(len(ordered) * share / 100) - 1], 1) if ordered else None


def _latencies(answers: Sequence[Answer], outcome: Outcome) -> list[float]:
    return [a.latency_ms for a in answers if a.outcome == outcome]


def _seconds(from_ms: int, until_ms: int | None) -> float | None:
    return None if until_ms is None else round(max(0, until_ms - from_ms) / 1000, 3)


def _rate(answers: Sequence[Answer]) -> float:
    """Answers per second, from the first ask to the last answer."""
    answered = [a for a in answers if a.status]
    if not answered:
        return 0.0
    first = min(a.sent_at for a in answered)
    last = max(a.sent_at + a.latency_ms / 1000 for a in answered)
    return round(len(answered) / max(last - first, 0.001), 1)
