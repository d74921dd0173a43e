"""CloudWatch alarms and the dashboard: both drawn from the one list of thresholds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from provisioning.aws import Cloud
from provisioning.resources.kind import Kind
from provisioning.tags import MANAGER
from provisioning.words import Found, Want

MARK = "Made by provisioning; changes by hand are undone."


def metric_dimension(value: str) -> str:
    """CloudWatch names a balancer or target group by the end of its ARN, others by their id."""
    if ":loadbalancer/" in value:
        return value.partition(":loadbalancer/")[2]
    if ":targetgroup/" in value:
        return "targetgroup/" + value.partition(":targetgroup/")[2]
    return value


class Alarm(Kind):
    """Tagged, and marked in its text too: reading forty alarms' tags one by one gets throttled."""

    kind = "alarm"

    def find(self, cloud: Cloud) -> Iterable[Found]:
        pages = cloud.cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{cloud.scope.prefix}-"
        )
        for alarm in (alarm for page in pages for alarm in page["MetricAlarms"]):
            if alarm.get("AlarmDescription", "").endswith(_mark(cloud)):
                yield self._found(alarm)

    def _found(self, alarm: Any) -> Found:
        dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
        return self.found(
            name=alarm["AlarmName"],
            id=alarm["AlarmName"],
            props={
                "namespace": alarm["Namespace"],
                "metric": alarm["MetricName"],
                "statistic": alarm["Statistic"],
                "compare": alarm["ComparisonOperator"],
                "threshold": float(alarm["Threshold"]),
                "minutes": alarm["EvaluationPeriods"],
                "missing": alarm.get("TreatMissingData", "missing"),
                "dimensions": dimensions,
                "tell": tuple(alarm["AlarmActions"]),
            },
            shows={"state": alarm.get("StateValue", "")},
        )

    def create(self, cloud: Cloud, want: Want) -> str:
        p = want.props
        cloud.cloudwatch.put_metric_alarm(
            AlarmName=want.name,
            AlarmDescription=f"{want.hidden['says']} {_mark(cloud)}",
            Namespace=p["namespace"],
            MetricName=p["metric"],
            Statistic=p["statistic"],
            ComparisonOperator=p["compare"],
            Threshold=p["threshold"],
            Period=60,
            EvaluationPeriods=p["minutes"],
            TreatMissingData=p["missing"],
            Dimensions=[
                {"Name": name, "Value": metric_dimension(value)}
                for name, value in p["dimensions"].items()
            ],
            AlarmActions=list(p["tell"]),
            OKActions=list(p["tell"]),
            Tags=cloud.scope.tags(want.name),
        )
        return want.name

    def change(self, cloud: Cloud, found: Found, want: Want, what: frozenset[str]) -> None:
        self.create(cloud, want)  # putting it again overwrites all but the tags

    def delete(self, cloud: Cloud, found: Found) -> None:
        cloud.cloudwatch.delete_alarms(AlarmNames=[found.id])

    def same(self, what: str, found: Any, wanted: Any) -> bool:
        if what == "dimensions":
            said = {name: metric_dimension(str(value)) for name, value in wanted.items()}
            return bool(found == said)
        return super().same(what, found, wanted)

    def prices(self, want: Want) -> dict[str, float]:
        return {"alarm": 1}


def _mark(cloud: Cloud) -> str:
    return f"[{MANAGER} {cloud.scope.path}]"


class Dashboard(Kind):
    """A dashboard carries no tags; the mark in its text says that it is ours."""

    kind = "dashboard"

    def find(self, cloud: Cloud) -> Iterable[Found]:
        entries = cloud.cloudwatch.list_dashboards(DashboardNamePrefix=cloud.scope.prefix)
        for entry in entries["DashboardEntries"]:
            name = entry["DashboardName"]
            body = cloud.cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
            if name == cloud.scope.prefix and MARK in body:
                yield self.found(name=name, id=name, props={"panels": _normal(json.loads(body))})

    def create(self, cloud: Cloud, want: Want) -> str:
        body = json.dumps(_body(cloud.region, want.props["panels"]))
        cloud.cloudwatch.put_dashboard(DashboardName=want.name, DashboardBody=body)
        return want.name

    def change(self, cloud: Cloud, found: Found, want: Want, what: frozenset[str]) -> None:
        self.create(cloud, want)

    def delete(self, cloud: Cloud, found: Found) -> None:
        cloud.cloudwatch.delete_dashboards(DashboardNames=[found.id])

    def same(self, what: str, found: Any, wanted: Any) -> bool:
        region = json.loads(found)["widgets"][-1]["properties"].get("region", "")
        return bool(found == _normal(_body(region, wanted)))

    def prices(self, want: Want) -> dict[str, float]:
        return {"dashboard": 1}


def _normal(body: Any) -> str:
    return json.dumps(body, sort_keys=True)


def _body(region: str, panels: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    text = {"type": "text", "width": 24, "height": 1, "properties": {"markdown": MARK}}
    return {"widgets": [text, *(_widget(region, panel) for panel in panels)]}


def _widget(region: str, panel: Mapping[str, Any]) -> dict[str, Any]:
    lines = [
        [panel["namespace"], panel["metric"], *_pairs(dimensions)]
        for dimensions in panel["dimensions"]
    ]
    limit = {"label": "alarm", "value": panel["threshold"]}
    return {
        "type": "metric",
        "width": 8,
        "height": 6,
        "properties": {
            "title": panel["title"],
            "region": region,
            "stat": panel["statistic"],
            "period": 60,
            "metrics": lines,
            "annotations": {"horizontal": [limit]},
        },
    }


def _pairs(dimensions: Mapping[str, Any]) -> list[str]:
    return [part for k, v in dimensions.items() for part in (k, metric_dimension(str(v)))]
