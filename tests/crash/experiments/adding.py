"""Runs of one experiment as figures."""

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from tests.crash import history
from tests.crash.opening import Run

_PROMISES = ("lost", "over_issued", "duplicates", "changed_answers", "ghosts")


def sum_runs(runs: Sequence[Run]) -> dict[str, Any]:
    """Counts of all faults; `broken` is the number of failed runs."""
    wrongs = {name: sum(len(run.wrongs[name]) for run in runs) for name in runs[0].wrongs}
    return {
        "told": sum(run.told for run in runs),
        "stored": sum(run.stored for run in runs),
        "asks": sum(run.asks for run in runs),
        "unknown": sum(run.unknown for run in runs),
        **wrongs,
        "longest_to_settle_s": round(max(run.settled_after_s for run in runs), 2),
        "median_to_settle_s": round(median(run.settled_after_s for run in runs), 2),
        "broken": sum(any(run.wrongs[name] for name in _PROMISES) for run in runs),
        "runs_with_a_loss": sum(bool(run.wrongs["lost"]) for run in runs),
    }


def print_round(run: Run, number: int) -> None:
    """Print one line with the outcomes of a round."""
    outcomes = Counter(ask.reply.outcome for ask in history.read_history(run.history))
    wrong = {name: len(wrongs) for name, wrongs in run.wrongs.items() if wrongs}
    print(f"{number + 1}: stored {run.stored}, {run.seconds:.1f} s, {dict(outcomes)} {wrong or ''}",
          flush=True)  # fmt: skip
