"""Alarms as CloudWatch evaluates them: on metrics that come as seldom as AWS publishes them."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow

HOUR_S = 3_600
# Namespace and metric: seconds between two data points, from AWS' documentation, where it isn't 60.
# EC2's own figures come every five minutes without detailed monitoring, its checks every minute.
SELDOM = {
    ("AWS/EC2", "CPUUtilization"): 300,
    ("AWS/EC2", "CPUCreditBalance"): 300,
    ("AWS/RDS", "CPUCreditBalance"): 300,
    ("AWS/ElastiCache", "CPUCreditBalance"): 300,
}
BREACHING = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}


def alarm_state(alarm: Any, points: dict[int, float], now: int) -> str:
    """CloudWatch's verdict at `now`, all in seconds.

    It looks at the alarm's periods and two more, and judges the most recent ones that have data.
    If these are too few, missing ones are added as the alarm says they are to be treated.
    """
    period, wanted = alarm["Period"], alarm["EvaluationPeriods"]
    first = now - (wanted + 2) * period
    known = [
        [value for at, value in points.items() if start <= at < start + period]
        for start in range(first, now, period)
    ]
    judged = [
        BREACHING[alarm["ComparisonOperator"]](_statistic(alarm, values), alarm["Threshold"])
        for values in known
        if values
    ][-wanted:]
    missing = wanted - len(judged)
    judged += [alarm["TreatMissingData"] == "breaching"] * missing
    return "ALARM" if all(judged) else "OK"


def _statistic(alarm: Any, values: list[float]) -> float:
    statistics: Any = {
        "Average": lambda v: sum(v) / len(v), "Maximum": max, "Minimum": min, "Sum": sum,
    }  # fmt: skip
    return float(statistics[alarm["Statistic"]](values))


def metric_points(alarm: Any, value: float) -> dict[int, float]:
    """An hour of a metric with one value."""
    every = SELDOM.get((alarm["Namespace"], alarm["MetricName"]), 60)
    return dict.fromkeys(range(0, HOUR_S, every), value)


def beyond(alarm: Any, side: float) -> float:
    """A value beyond the threshold (1), or well within it (-1)."""
    way = 1 if alarm["ComparisonOperator"] == "GreaterThanThreshold" else -1
    return float(alarm["Threshold"] + side * way * (abs(alarm["Threshold"]) / 2 + 1))


def test_every_alarm_fires_and_rests_at_any_minute(production_rig: Any) -> None:
    production_rig.build()
    alarms = production_rig.cloud.cloudwatch.describe_alarms()["MetricAlarms"]
    watched = {(alarm["Namespace"], alarm["MetricName"]) for alarm in alarms}
    assert len(watched) > 12
    minutes = range(HOUR_S // 2, HOUR_S + 1, 60)
    for side, state in ((1, "ALARM"), (-1, "OK")):
        wrong = {
            (alarm["MetricName"], at)
            for alarm in alarms
            for at in minutes
            if alarm_state(alarm, metric_points(alarm, beyond(alarm, side)), at) != state
        }
        assert wrong == set(), f"not {state}"


def test_without_data_only_what_must_report_is_in_alarm(production_rig: Any) -> None:
    production_rig.build()
    alarms = production_rig.cloud.cloudwatch.describe_alarms()["MetricAlarms"]
    silent = {a["MetricName"] for a in alarms if alarm_state(a, {}, HOUR_S) == "ALARM"}
    assert silent == {"StatusCheckFailed", "OldestWaitingSeconds"}


def test_negative_control_a_period_shorter_than_the_metrics_never_fires(
    production_rig: Any,
) -> None:
    production_rig.build()
    alarms = production_rig.cloud.cloudwatch.describe_alarms()["MetricAlarms"]
    cpu = next(one for one in alarms if one["MetricName"] == "CPUUtilization")
    cpu |= {"Namespace": "AWS/EC2", "Period": 60, "EvaluationPeriods": 5}
    high = metric_points(cpu, 99)
    assert {alarm_state(cpu, high, at) for at in range(1_800, HOUR_S, 60)} == {"OK"}
