"""The thresholds file, typed."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent.parent / "thresholds.toml"

# (namespace, metric): seconds between two of its data points, where it isn't a minute. EC2's own
# figures need detailed monitoring for a minute, which we don't order.
SELDOM_METRICS = {
    ("AWS/EC2", "CPUUtilization"): 300,
    ("AWS/EC2", "CPUCreditBalance"): 300,
    ("AWS/RDS", "CPUCreditBalance"): 300,
    ("AWS/ElastiCache", "CPUCreditBalance"): 300,
}


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

    @property
    def period_s(self) -> int:
        """The alarm's period, seconds: the shortest in which its metric always has data. In a
        shorter one most periods are empty, which is not breaching: such an alarm never fires."""
        return SELDOM_METRICS.get((self.namespace, self.metric), 60)

    @property
    def periods(self) -> int:
        """How many of them `minutes` are, at least one."""
        return max(1, -(-self.minutes * 60 // self.period_s))


@cache
def alarm_thresholds() -> tuple[Threshold, ...]:
    raw = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return tuple(Threshold(name=name, **row) for name, row in raw.items())
