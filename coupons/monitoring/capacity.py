"""What was measured of this product, per core or process: the base of capacity and headroom.

`measured.json` is written by the bench (`make bench RECORD=yes`), figure by figure, each with the
commit that it was measured on. A test fails when the code of a figure has changed since.
"""

import json
from dataclasses import dataclass, fields
from math import inf
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("measured.json")
_ABOUT = {"value", "commit", "at", "machine", "code"}


@dataclass(frozen=True, slots=True)
class Measurements:
    """`source` says where and when."""

    source: str
    claims_per_s_per_core: float
    stored_per_s_per_worker: float
    decisions_per_s: float
    bytes_per_claimant: float
    bytes_per_waiting_claim: float
    rows_per_s_per_database_core: float


NAMES = [each.name for each in fields(Measurements) if each.name != "source"]


def load_measurements(file: Path = FILE) -> Measurements:
    """Raises ValueError for a file that holds something else."""
    figures = json.loads(file.read_bytes())
    if not isinstance(figures, dict) or figures.keys() != set(NAMES):
        raise ValueError(f"its names must be {', '.join(sorted(NAMES))}")
    for name, figure in sorted(figures.items()):
        if not isinstance(figure, dict) or figure.keys() != _ABOUT:
            raise ValueError(f"{name} must have {', '.join(sorted(_ABOUT))}")
        if not _is_positive(figure["value"]):
            raise ValueError(f"the value of {name} must be a number above 0")
    values = {name: figure["value"] for name, figure in figures.items()}
    return Measurements(source=_source(figures), **values)


def _source(figures: dict[str, dict[str, Any]]) -> str:
    """`bench at 1234567, 89abcde, AMD EPYC, 2 cores`."""
    told = [(str(figure["commit"]), str(figure["machine"])) for figure in figures.values()]
    commits, machines = (", ".join(dict.fromkeys(words)) for words in zip(*told, strict=True))
    return f"bench at {commits}, {machines}"


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and value is not True and 0 < value < inf
