"""The thresholds file, typed."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent.parent / "thresholds.toml"


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """One threshold. `missing` says how CloudWatch treats missing data: notBreaching or breaching.

    A threshold of the kind `site` has no metric in CloudWatch: only Prometheus uses it.
    """

    name: str
    of: str
    namespace: str = ""
    metric: str = ""
    statistic: str = ""
    compare: str
    threshold: float
    minutes: int
    says: str
    missing: str = "notBreaching"


@cache
def alarm_thresholds() -> tuple[Threshold, ...]:
    raw = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return tuple(Threshold(name=name, **row) for name, row in raw.items())
