"""Releases that can be ordered: what AWS offers, and this service runs on. `doctor` asks AWS
whether it still offers them."""

from __future__ import annotations

import re

UBUNTU = {"24.04": "noble", "26.04": "resolute"}  # release -> its name in Canonical's images
MYSQL = {"8.0": 11, "8.4": 3}  # release -> RDS' first minor version of it
# ElastiCache wants major.minor; 7.0 is the first with all that our scripts use.
CACHES = {"redis": ("7.0", "7.1"), "valkey": ("7.2", "8.0", "8.1", "8.2", "9.0")}


def mysql_problem(version: str) -> str:
    """What is wrong with a version of MySQL, as the end of a sentence; empty if nothing is. `8.4`
    is AWS' newest 8.4, `8.4.6` this one."""
    parts = re.fullmatch(r"(\d+\.\d+)(?:\.(\d+))?", version, re.ASCII)
    if not parts or parts[1] not in MYSQL:
        return f"is no MySQL {' or '.join(MYSQL)} version"
    first = MYSQL[parts[1]]
    if parts[2] and int(parts[2]) < first:
        return f"isn't offered by RDS, whose first {parts[1]} is {parts[1]}.{first}"
    return ""


def cache_problem(engine: str, version: str) -> str:
    """The same for a version of Redis or Valkey. Raises KeyError for another engine."""
    if version not in CACHES[engine]:
        return f"is no {engine} release known here: {', '.join(CACHES[engine])}"
    return ""
