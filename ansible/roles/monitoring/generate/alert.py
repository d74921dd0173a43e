"""An alert: its expression, its text, and the series of its tests.

`limit` names an entry of provisioning/thresholds.toml, which has the thresholds of CloudWatch's
alarms as well; an alert without one is about a fact (a gap, a lost gate) without a threshold.
`fires` and `quiet` are series for promtool's tests, in its short notation, a sample every 15 s.
"""

from dataclasses import dataclass, field

import thresholds

Series = dict[str, str]
CONSUMER = 'instance="c1",job="consumer"'
WEB = 'instance="w1",job="web"'
FRONT = 'instance="w1:8405",job="front"'
# Refused by the front itself: its backend's failures minus those that granian answered.
USERS_FAILED = 'code="5xx",proxy="users"'
USERS_BACKENDS = 'proxy=~"users|users_rest"'  # claims, and all else
_FAILED = f'code="5xx",{USERS_BACKENDS}'
TURNED_AWAY = (
    f"sum(rate(haproxy_backend_http_responses_total{{{_FAILED}}}[1m]))"
    f" - sum(rate(haproxy_server_http_responses_total{{{_FAILED}}}[1m]))"
)
NODE = 'instance="c1",job="node"'


@dataclass(frozen=True, kw_only=True)
class Alert:
    """`expr` contains `{limit}` for the threshold. Severity: `page` wakes the engineer on call,
    `ticket` waits until the morning."""

    name: str
    expr: str
    says: str = ""
    limit: str = ""
    for_: str = "1m"
    severity: str = "page"
    fires: Series = field(default_factory=dict)
    quiet: Series = field(default_factory=dict)

    @property
    def full_expr(self) -> str:
        if not self.limit:
            return self.expr
        return self.expr.replace("{limit}", f"{thresholds.alarm_threshold(self.limit):g}")

    @property
    def for_duration(self) -> str:
        return f"{thresholds.alarm_minutes(self.limit)}m" if self.limit else self.for_

    @property
    def summary(self) -> str:
        return self.says or thresholds.alarm_text(self.limit)


def of_consumer(name: str, labels: str = "") -> str:
    """The name of a series of the consumer's metrics."""
    return f"{name}{{{CONSUMER}{',' if labels else ''}{labels}}}"


def of_front(name: str, labels: str) -> str:
    return f"{name}{{{FRONT},{labels}}}"


def of_web(name: str, labels: str = "") -> str:
    return f"{name}{{{WEB}{',' if labels else ''}{labels}}}"


SALE = 'campaign="sale"'
# The deciding Redis' clock: windows and comparisons are dated by it, and the clock of Prometheus'
# own host may differ.
REDIS_TIME = "scalar(max(coupon_redis_time_seconds))"
