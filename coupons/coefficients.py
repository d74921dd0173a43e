"""What was measured of this product, per core or process: the base of capacity and headroom."""

import json
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "locust" / "coefficients.json"


@dataclass(frozen=True, slots=True)
class Coefficients:
    """`source` says where and when."""

    source: str
    claims_per_s_per_core: float
    stored_per_s_per_worker: float
    decisions_per_s: float
    bytes_per_claimant: float
    bytes_per_waiting_claim: float
    rows_per_s_per_database_core: float


def load(file: Path = FILE) -> Coefficients:
    return Coefficients(**json.loads(file.read_text()))
