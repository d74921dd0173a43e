"""The CloudWatch dashboard: a panel for each threshold, which is drawn as a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from provisioning.aws import Cloud
from provisioning.model import Found, Want
from provisioning.resources.alarm import is_ours, metric_dimension
from provisioning.resources.kind import Kind, name_taken_error

MARK = "Made by provisioning; changes by hand are undone."


class Dashboard(Kind):
    kind = "dashboard"

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        entries = cloud.cloudwatch.list_dashboards(DashboardNamePrefix=cloud.scope.prefix)
        for entry in entries["DashboardEntries"]:
            name = entry["DashboardName"]
            if is_ours(cloud, entry["DashboardArn"]):
                body = cloud.cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
                yield self.found(name=name, id=name, props={"panels": _normal(json.loads(body))})

    def create_one(self, cloud: Cloud, want: Want) -> str:
        """Putting a dashboard overwrites any of the same name, so this checks for one first. Raises
        Ambiguous if there is one without our tags."""
        existing = cloud.cloudwatch.list_dashboards(DashboardNamePrefix=want.name)[
            "DashboardEntries"
        ]
        for entry in existing:
            if entry["DashboardName"] == want.name and not is_ours(cloud, entry["DashboardArn"]):
                raise name_taken_error(want)
        cloud.cloudwatch.put_dashboard(
            DashboardName=want.name,
            DashboardBody=json.dumps(_body(cloud.region, want.props["panels"])),
            Tags=cloud.scope.tags(want.name),
        )
        return want.name

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        body = json.dumps(_body(cloud.region, want.props["panels"]))
        cloud.cloudwatch.put_dashboard(DashboardName=found.id, DashboardBody=body)

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        cloud.cloudwatch.delete_dashboards(DashboardNames=[found.id])

    def is_same(self, name: str, found: Any, wanted: Any) -> bool:
        region = json.loads(found)["widgets"][-1]["properties"].get("region", "")
        return bool(found == _normal(_body(region, wanted)))

    def price_items(self, want: Want) -> dict[str, float]:
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
