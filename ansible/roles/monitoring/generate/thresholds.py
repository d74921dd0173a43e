"""Reads provisioning/thresholds.toml: the thresholds, which CloudWatch's alarms use as well."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[4] / "provisioning" / "thresholds.toml"


@cache
def _all() -> dict[str, dict[str, Any]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def alarm_threshold(name: str) -> float:
    return float(_all()[name]["threshold"])


def alarm_minutes(name: str) -> int:
    return int(_all()[name]["minutes"])


def alarm_text(name: str) -> str:
    return str(_all()[name]["says"])


def cloudwatch_alarms() -> dict[str, dict[str, Any]]:
    """The entries that have a metric in CloudWatch."""
    return {name: line for name, line in _all().items() if "metric" in line}
