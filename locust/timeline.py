"""The timeline of a run: requests and answers by outcome in each time step."""

from collections import defaultdict
from collections.abc import Sequence

from answers import GROUPS, ClaimAnswer
from figures import percentile

STEP_S = 0.25  # resolution of a chart of ten seconds
SHARES = (50, 95, 99)


def make_timeline(answers: Sequence[ClaimAnswer], *, step_s: float = STEP_S) -> dict[str, object]:
    """`at`: seconds from the opening to the step's begin. An answer counts in the step in which it
    arrived, a request in the step in which it was due. Times in ms. Empty steps are left out."""
    asked: dict[int, int] = defaultdict(int)
    answered: dict[int, list[ClaimAnswer]] = defaultdict(list)
    for one in answers:
        asked[int(one.due // step_s)] += 1
        answered[int(one.done // step_s)].append(one)
    return {
        "step_s": step_s,
        "steps": [
            {
                "at": round(step * step_s, 3),
                "asked": asked[step],
                "outcomes": _outcomes(answered[step]),
            }
            for step in sorted({*asked, *answered})
        ],
    }


def _outcomes(answers: Sequence[ClaimAnswer]) -> dict[str, dict[str, float]]:
    return {
        group: _times(sorted(one.response_ms for one in answers if one.outcome_group == group))
        for group in GROUPS
        if any(one.outcome_group == group for one in answers)
    }


def _times(ms: list[float]) -> dict[str, float]:
    named = {f"p{share}": round(percentile(ms, share / 100), 2) for share in SHARES}
    return {"count": len(ms), **named}
