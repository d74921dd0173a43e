"""Wanted: log groups, flow logs, alarms and their SNS topic, a dashboard, a budget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioning.blueprint.hosts import allow_statement, role_want
from provisioning.blueprint.names import vpc_ref
from provisioning.blueprint.thresholds import Threshold, alarm_thresholds
from provisioning.blueprint.watched import Watched, watched_resources
from provisioning.model import Ref, Want
from provisioning.spec.model import Spec, Watch

FLOW = "flow"


def observation_wants(spec: Spec) -> Iterator[Want]:
    if spec.watch:
        for role in dict.fromkeys(hosts.role for hosts in spec.hosts):
            yield _log_group(spec, spec.watch, role)
        if spec.watch.flow_logs:
            yield from _flow_logs(spec, spec.watch)
        if spec.watch.alarms:
            yield from _alarms(spec, spec.watch)
        if spec.watch.dashboard:
            yield _dashboard(spec)
    if spec.budget:
        yield Want(
            kind="budget",
            name=f"{spec.prefix}-monthly",
            props={"monthly_usd": float(spec.budget.monthly_usd)},
            hidden={"email": spec.budget.email},
        )


def _log_group(spec: Spec, wanted: Watch, name: str) -> Want:
    return Want(kind="log-group", name=f"{spec.path}/{name}", props={"days": wanted.log_days})


def _flow_logs(spec: Spec, wanted: Watch) -> Iterator[Want]:
    """Only refused connections: few lines, and the interesting ones."""
    group, role = _log_group(spec, wanted, FLOW), f"{spec.prefix}-{FLOW}"
    yield group
    yield role_want(role, "vpc-flow-logs.amazonaws.com", _may_write(spec))
    yield Want(
        kind="flow-log",
        name=role,
        props={
            "vpc": vpc_ref(spec),
            "log_group": Ref("log-group", group.name),
            "role": Ref("role", role),
            "traffic": "REJECT",
        },
    )


def _may_write(spec: Spec) -> dict[str, Any]:
    group = f"arn:aws:logs:{spec.environment.region}:ACCOUNT:log-group:{spec.path}/{FLOW}:*"
    write = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return {
        "Version": "2012-10-17",
        "Statement": [
            allow_statement("OwnLogs", write, group),
            allow_statement("FindThem", ["logs:DescribeLogGroups"], "*"),
        ],
    }


def _alarms(spec: Spec, wanted: Watch) -> Iterator[Want]:
    tell: tuple[str | Ref, ...] = (wanted.notify_topic,) if wanted.notify_topic else ()
    if wanted.emails:
        topic = Want(
            kind="topic",
            name=f"{spec.prefix}-alarms",
            props={"readers": frozenset(wanted.emails)},
        )
        yield topic
        tell = (Ref("topic", topic.name),)
    for line in alarm_thresholds():
        for watched in watched_resources(spec, line.of):
            yield _alarm(spec, line, watched, tell)


def _alarm(spec: Spec, line: Threshold, watched: Watched, tell: tuple[str | Ref, ...]) -> Want:
    return Want(
        kind="alarm",
        name=f"{spec.prefix}-{watched.name}-{line.name}",
        props={
            "namespace": line.namespace,
            "metric": line.metric,
            "statistic": line.statistic,
            "compare": line.compare,
            "threshold": line.threshold,
            "period_s": line.period_s(detailed=watched.detailed),
            "periods": line.periods(detailed=watched.detailed),
            "missing": line.missing,
            "dimensions": watched.dimensions,
            "tell": tell,
        },
        hidden={"says": line.says},
    )


def _dashboard(spec: Spec) -> Want:
    return Want(
        kind="dashboard",
        name=spec.prefix,
        props={
            "panels": tuple(_panel(spec, line) for line in alarm_thresholds() if _any(spec, line))
        },
    )


def _any(spec: Spec, line: Threshold) -> bool:
    return any(True for _ in watched_resources(spec, line.of))


def _panel(spec: Spec, line: Threshold) -> dict[str, Any]:
    return {
        "title": line.name,
        "namespace": line.namespace,
        "metric": line.metric,
        "statistic": line.statistic,
        "threshold": line.threshold,
        "dimensions": tuple(one.dimensions for one in watched_resources(spec, line.of)),
    }
