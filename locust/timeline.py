"""A run moment by moment: what was heard in each fraction of a second, each outcome for itself."""

from collections import defaultdict
from collections.abc import Sequence

from answers import GROUPS, Heard
from figures import percentile

STEP_S = 0.25  # as fine as a picture of ten seconds can show
SHARES = (50, 95, 99)


def of(heard: Sequence[Heard], *, step_s: float = STEP_S) -> dict[str, object]:
    """`steps` begin `at` so many seconds after the opening; an answer counts where it came, an ask
    where it was meant. Times in ms. Steps in which nothing happened are left out."""
    asked: dict[int, int] = defaultdict(int)
    answered: dict[int, list[Heard]] = defaultdict(list)
    for one in heard:
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


def _outcomes(heard: Sequence[Heard]) -> dict[str, dict[str, float]]:
    return {
        group: _times(sorted(one.ms for one in heard if one.group == group))
        for group in GROUPS
        if any(one.group == group for one in heard)
    }


def _times(ms: list[float]) -> dict[str, float]:
    named = {f"p{share}": round(percentile(ms, share / 100), 2) for share in SHARES}
    return {"count": len(ms), **named}
