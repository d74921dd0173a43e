"""CloudWatch alarms, generated from thresholds.toml."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioning.aws import Cloud
from provisioning.model import Found, Want
from provisioning.resources.kind import Kind, name_taken_error
from provisioning.tags import as_dict


def is_ours(cloud: Cloud, arn: str) -> bool:
    """Reads the tags from CloudWatch itself, which is slow and soon throttled: only for resources
    that the tag index lacks."""
    tags = cloud.cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"]
    return cloud.scope.owns_tags(as_dict(tags))


def metric_dimension(value: str) -> str:
    """The value of a dimension: for a load balancer or target group the end of its ARN, else the
    id."""
    if ":loadbalancer/" in value:
        return value.partition(":loadbalancer/")[2]
    if ":targetgroup/" in value:
        return "targetgroup/" + value.partition(":targetgroup/")[2]
    return value


def _statistic(name: str) -> Any:
    """A percentile, like p99, is an argument of its own."""
    return {"ExtendedStatistic" if name.startswith("p") else "Statistic": name}


class Alarm(Kind):
    kind = "alarm"

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        pages = cloud.cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{cloud.scope.prefix}-"
        )
        alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
        indexed = frozenset(cloud.tagged_arns("cloudwatch:alarm")) if alarms else frozenset()
        for alarm in alarms:
            if alarm["AlarmArn"] in indexed or is_ours(cloud, alarm["AlarmArn"]):
                yield self._found(alarm)

    def _found(self, alarm: Any) -> Found:
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
        return self.found(
            name=alarm["AlarmName"],
            id=alarm["AlarmName"],
            props={
                "namespace": alarm["Namespace"],
                "metric": alarm["MetricName"],
                "statistic": alarm.get("Statistic") or alarm["ExtendedStatistic"],
                "compare": alarm["ComparisonOperator"],
                "threshold": float(alarm["Threshold"]),
                "period_s": alarm["Period"],
                "periods": alarm["EvaluationPeriods"],
                "missing": alarm.get("TreatMissingData", "missing"),
                "dimensions": dimensions,
                "tell": tuple(alarm["AlarmActions"]),
            },
            shows={"state": alarm.get("StateValue", "")},
        )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        """Putting an alarm overwrites any alarm of the same name, so this checks for one first.
        Raises Ambiguous if there is one without our tags."""
        existing = cloud.cloudwatch.describe_alarms(AlarmNames=[want.name])["MetricAlarms"]
        if existing and not is_ours(cloud, existing[0]["AlarmArn"]):
            raise name_taken_error(want)
        return self._put(cloud, want)

    def _put(self, cloud: Cloud, want: Want) -> str:
        p = want.props
        cloud.cloudwatch.put_metric_alarm(
            AlarmName=want.name,
            AlarmDescription=want.hidden["says"],
            Namespace=p["namespace"],
            MetricName=p["metric"],
            ComparisonOperator=p["compare"],
            Threshold=p["threshold"],
            Period=p["period_s"],
            EvaluationPeriods=p["periods"],
            TreatMissingData=p["missing"],
            Dimensions=[
                {"Name": name, "Value": metric_dimension(value)}
                for name, value in p["dimensions"].items()
            ],
            AlarmActions=list(p["tell"]),
            OKActions=list(p["tell"]),
            Tags=cloud.scope.tags(want.name),
            **_statistic(p["statistic"]),
        )
        return want.name

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        self._put(cloud, want)  # overwrites all but the tags

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        cloud.cloudwatch.delete_alarms(AlarmNames=[found.id])

    def is_same(self, name: str, found: Any, wanted: Any) -> bool:
        if name == "dimensions":
            expected = {
                dimension: metric_dimension(str(value)) for dimension, value in wanted.items()
            }
            return bool(found == expected)
        return super().is_same(name, found, wanted)

    def price_items(self, want: Want) -> dict[str, float]:
        return {"alarm": 1}
