"""What was measured of this product, per core or process: the base of capacity and headroom."""

import json
from dataclasses import dataclass, fields
from math import inf
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "locust" / "coefficients.json"


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


def load_measurements(file: Path = FILE) -> Measurements:
    """Raises ValueError for a file that holds something else."""
    said = json.loads(file.read_bytes())
    names = {each.name for each in fields(Measurements)}
    if not isinstance(said, dict) or said.keys() != names:
        raise ValueError(f"its names must be {', '.join(sorted(names))}")
    if wrong := [name for name in names - {"source"} if not _is_positive(said[name])]:
        raise ValueError(f"{min(wrong)} must be a number above 0")
    return Measurements(**said)


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and value is not True and 0 < value < inf
