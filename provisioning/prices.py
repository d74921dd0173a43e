"""The dated price table of the repository; it also has the CPU architecture of hosts' sizes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).parent / "prices.toml"


@dataclass(frozen=True)
class Prices:
    """US dollars. `other`: prices per hour of items without a size."""

    as_of: str
    source: str
    region: str
    hours: int
    hourly: Mapping[str, Mapping[str, float]]
    arch: Mapping[str, str]
    other: Mapping[str, float]
    monthly: Mapping[str, float]


@cache
def load_prices() -> Prices:
    raw = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return Prices(
        as_of=raw["as_of"],
        source=raw["source"],
        region=raw["region"],
        hours=raw["hours"],
        hourly={
            service: {size: row["hourly"] for size, row in raw[service].items()}
            for service in ("ec2", "cache", "db")
        },
        arch={size: row["arch"] for size, row in raw["ec2"].items()},
        other=raw["hourly"],
        monthly=raw["monthly"],
    )
