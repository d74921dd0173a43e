"""Alarms as CloudWatch evaluates them: on metrics that come as seldom as AWS publishes them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import boto3
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
    ("AWS/CertificateManager", "DaysToExpiry"): 43_200,
}
DETAILED = {("AWS/EC2", "CPUUtilization"): 60}  # of a host with detailed monitoring
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
        "p99": lambda v: sorted(v)[-1 - len(v) // 100],
    }  # fmt: skip
    return float(statistics[alarm.get("Statistic") or alarm["ExtendedStatistic"]](values))


def metric_points(
    alarm: Any, value: float, *, detailed: Collection[str] = (), until: int = HOUR_S
) -> dict[int, float]:
    """A metric with one value, from 0 to `until`; `detailed`: ids of hosts with detailed
    monitoring."""
    metric = alarm["Namespace"], alarm["MetricName"]
    every = SELDOM.get(metric, 60)
    if {one["Value"] for one in alarm["Dimensions"]} & set(detailed):
        every = DETAILED.get(metric, every)
    return dict.fromkeys(range(0, until, every), value)


def span_of(alarm: Any) -> int:
    """Seconds in which an alarm is watched: an hour, or as many periods as it needs."""
    return max(HOUR_S, 6 * int(alarm["Period"]) * int(alarm["EvaluationPeriods"]))


def detailed_hosts(rig: Any) -> set[str]:
    reservations = rig.cloud.ec2.describe_instances()["Reservations"]
    hosts = [host for reservation in reservations for host in reservation["Instances"]]
    return {h["InstanceId"] for h in hosts if h["Monitoring"]["State"] == "enabled"}


def with_certificate(rig: Any) -> None:
    issued = boto3.client("acm", region_name=rig.cloud.region)
    arn = issued.request_certificate(DomainName="shop.example")["CertificateArn"]
    balancer = replace(rig.spec.balancer, certificate_arn=arn, plain_http="")
    rig.use_spec(replace(rig.spec, balancer=balancer))


def beyond(alarm: Any, side: float) -> float:
    """A value beyond the threshold (1), or well within it (-1)."""
    way = 1 if alarm["ComparisonOperator"] == "GreaterThanThreshold" else -1
    return float(alarm["Threshold"] + side * way * (abs(alarm["Threshold"]) / 2 + 1))


def test_every_alarm_fires_and_rests_at_any_minute(production_rig: Any) -> None:
    with_certificate(production_rig)
    production_rig.apply_plan()
    alarms = production_rig.cloud.cloudwatch.describe_alarms()["MetricAlarms"]
    detailed = detailed_hosts(production_rig)
    watched = {alarm["MetricName"] for alarm in alarms}
    assert watched >= {
        "UnHealthyHostCount", "RejectedConnectionCount", "TargetResponseTime", "FreeableMemory",
        "EngineCPUUtilization", "DaysToExpiry", "UnforeseenErrors", "OldestWaitingSeconds",
    }  # fmt: skip
    for side, state in ((1, "ALARM"), (-1, "OK")):
        wrong = {
            (alarm["MetricName"], at)
            for alarm in alarms
            for points in [
                metric_points(alarm, beyond(alarm, side), detailed=detailed, until=span_of(alarm))
            ]
            for at in range(span_of(alarm) // 2, span_of(alarm) + 1, alarm["Period"])
            for at in (at, at + 7)
            if alarm_state(alarm, points, at) != state
        }
        assert wrong == set(), f"not {state}"


def test_a_host_with_detailed_monitoring_is_judged_by_the_minute(production_rig: Any) -> None:
    production_rig.build()
    alarms = production_rig.cloud.cloudwatch.describe_alarms()["MetricAlarms"]
    detailed = detailed_hosts(production_rig)
    periods = {
        (alarm["Dimensions"][0]["Value"] in detailed, alarm["Period"])
        for alarm in alarms
        if (alarm["Namespace"], alarm["MetricName"]) == ("AWS/EC2", "CPUUtilization")
    }
    assert periods == {(True, 60), (False, 300)}
    names = {key.name for key, one in production_rig.find_all().items() if one.id in detailed}
    assert names == {"coupon-api-1", "coupon-api-2", "coupon-consumer-1", "coupon-consumer-2"}


def test_deliberate_refusals_are_no_errors(production_rig: Any) -> None:
    """A 503 of the site counts as 5xx of a target at the balancer: no alarm watches that."""
    production_rig.build()
    alarms = production_rig.cloud.cloudwatch.describe_alarms()["MetricAlarms"]
    counted = {alarm["MetricName"] for alarm in alarms if "5XX" in alarm["MetricName"]}
    assert counted == {"HTTPCode_ELB_5XX_Count"}


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
