"""Wanted: log groups, flow logs, alarms and their SNS topic, a dashboard, a budget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioning.blueprint.hosts import allow_statement, role_want
from provisioning.blueprint.names import each_host, vpc_ref
from provisioning.blueprint.thresholds import Threshold, alarm_thresholds
from provisioning.model import Ref, Want
from provisioning.spec.model import Spec, Watch

Dimensions = dict[str, Any]
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
        for name, dimensions in watched_resources(spec, line.of):
            yield Want(
                kind="alarm",
                name=f"{spec.prefix}-{name}-{line.name}",
                props={
                    "namespace": line.namespace,
                    "metric": line.metric,
                    "statistic": line.statistic,
                    "compare": line.compare,
                    "threshold": line.threshold,
                    "period_s": line.period_s,
                    "periods": line.periods,
                    "missing": line.missing,
                    "dimensions": dimensions,
                    "tell": tell,
                },
                hidden={"says": line.says},
            )


def watched_resources(spec: Spec, of: str) -> Iterator[tuple[str, Dimensions]]:
    """(name, CloudWatch dimensions) of every resource that gets an alarm for the kind `of`."""
    burst = of.startswith("burstable-")
    match of.removeprefix("burstable-"):
        case "host":
            yield from _hosts(spec, burst)
        case "database":
            if not burst or spec.database.type.startswith("db.t"):
                yield spec.database.name, {"DBInstanceIdentifier": _ref("database", spec)}
        case "cache":
            yield from _caches(spec, burst)
        case "balancer":
            if spec.balancer:
                yield spec.balancer.name, {"LoadBalancer": Ref("balancer", spec.balancer.name)}
        case "service":
            yield "service", {"Environment": spec.environment.name}


def _ref(kind: str, spec: Spec) -> Ref:
    return Ref(kind, spec.database.name)


def _hosts(spec: Spec, burst: bool) -> Iterator[tuple[str, Dimensions]]:
    for hosts in spec.hosts:
        if burst and not hosts.type.startswith("t"):
            continue
        for name, _ in each_host(spec, hosts):
            yield name, {"InstanceId": Ref("host", name)}


def _caches(spec: Spec, burst: bool) -> Iterator[tuple[str, Dimensions]]:
    """AWS names the members of a replication group: NAME-001, NAME-002, ..."""
    for cache in spec.caches:
        if burst and not cache.type.startswith("cache.t"):
            continue
        members = [f"{cache.name}-{n:03}" for n in range(1, cache.replicas + 2)]
        for member in members if cache.managed_group else [cache.name]:
            yield member, {"CacheClusterId": member}


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
        "dimensions": tuple(dimensions for _, dimensions in watched_resources(spec, line.of)),
    }
