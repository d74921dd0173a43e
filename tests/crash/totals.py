"""The totals of many runs, and their file."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.crash.opening import Run

# In this order in the file.
_VERDICTS = ("lost", "hidden", "over_issued", "duplicates", "changed_answers", "ghosts", "holes",
         "order", "inversions", "under_issued", "unanswered",
         "unforeseen", "unsettled")  # fmt: skip


def sum_totals(runs: Sequence[Run], about: Mapping[str, Any]) -> dict[str, Any]:
    by_fault: Counter[str] = sum((run.faults for run in runs), Counter())
    return {
        **about,
        "runs": len(runs),
        "faults": by_fault.total(),
        "by_fault": dict(sorted(by_fault.items())),
        "faults_missed": sum(run.missed for run in runs),
        "asks": sum(run.asks for run in runs),
        "unknown": sum(run.unknown for run in runs),
        "told": sum(run.told for run in runs),
        "stored": sum(run.stored for run in runs),
        **{name: sum(len(run.wrongs[name]) for run in runs) for name in _VERDICTS},
        "longest_to_settle_s": round(max((run.settled_after_s for run in runs), default=0), 2),
        "seconds": round(sum(run.seconds for run in runs), 1),
        "seeds": [run.seed for run in runs],
        "failed_seeds": [run.seed for run in runs if not run.kept_its_word],
    }


def write_totals(file: Path, runs: Sequence[Run], about: Mapping[str, Any]) -> None:
    """Replace the file atomically; called after every run."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps(sum_totals(runs, about), indent=1) + "\n")
    part.replace(file)
