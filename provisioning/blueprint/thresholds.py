"""The thresholds file, typed."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent.parent / "thresholds.toml"

# (namespace, metric): seconds between two of its data points, where it isn't a minute.
SELDOM_METRICS = {
    ("AWS/EC2", "CPUUtilization"): 300,
    ("AWS/EC2", "CPUCreditBalance"): 300,
    ("AWS/RDS", "CPUCreditBalance"): 300,
    ("AWS/ElastiCache", "CPUCreditBalance"): 300,
    ("AWS/CertificateManager", "DaysToExpiry"): 86_400,  # twice a day, at hours that AWS chooses
}
# Every minute of a host with detailed monitoring; credits stay at five.
DETAILED_METRICS = frozenset({("AWS/EC2", "CPUUtilization")})


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

    def period_s(self, *, detailed: bool = False) -> int:
        """The alarm's period, seconds: the shortest in which its metric always has data. In a
        shorter one most periods are empty, which is not breaching: such an alarm never fires."""
        metric = (self.namespace, self.metric)
        if detailed and metric in DETAILED_METRICS:
            return 60
        return SELDOM_METRICS.get(metric, 60)

    def periods(self, *, detailed: bool = False) -> int:
        """How many of them `minutes` are, at least one."""
        return max(1, -(-self.minutes * 60 // self.period_s(detailed=detailed)))


@cache
def alarm_thresholds() -> tuple[Threshold, ...]:
    raw = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return tuple(Threshold(name=name, **row) for name, row in raw.items())
