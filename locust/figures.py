"""The figures of a run: counts, rates and response times by outcome. Pure, without I/O."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from answers import GROUPS, ClaimAnswer

LATE_S = 0.05  # a claim sent this long after its due time was delayed by the load generator


@dataclass(frozen=True, slots=True)
class Window:
    """The measured interval, seconds after the opening. Claims due before it are the warm-up."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.begin


Figures = dict[str, object]


def measure_run(
    answers: Sequence[ClaimAnswer], window: Window, *, configured: float | None
) -> Figures:
    """Times in ms. `configured`: the intended rate per second; None: a closed workload."""
    due = [one for one in answers if window.begin <= one.due < window.end]
    done = [one for one in answers if window.begin <= one.done < window.end]
    late = sorted((one.sent - one.due) * 1000 for one in due)
    return {
        "window_s": [window.begin, window.end],
        "configured_per_s": configured,
        "asked_per_s": round(len(due) / window.seconds, 1),
        "answered_per_s": round(len(done) / window.seconds, 1),
        "admitted_per_s": round(_admitted(done) / window.seconds, 1),
        "left_out_of_the_figures": len(answers) - len(due),
        "asks_in_all": dict(Counter(one.outcome for one in answers)),
        "asked_late": sum(ms > LATE_S * 1000 for ms in late),
        "late_ms_p99": _round(percentile(late, 0.99)),
        "outcomes": {group: _times(due, group) for group in GROUPS},
    }


def _admitted(answers: Sequence[ClaimAnswer]) -> int:
    return sum(one.outcome == "admitted" for one in answers)


def _times(answers: Sequence[ClaimAnswer], group: str) -> Figures:
    ms = sorted(one.response_ms for one in answers if one.outcome_group == group)
    if not ms:
        return {"count": 0}
    named = {f"p{share:g}": _round(percentile(ms, share / 100)) for share in (50, 90, 95, 99, 99.9)}
    return {"count": len(ms), "mean": _round(fmean(ms)), **named, "max": _round(ms[-1])}


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the smallest value that at least this share does not exceed."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def _round(ms: float) -> float:
    return round(ms, 2)
