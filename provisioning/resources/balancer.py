"""The load balancer, its target group and its listeners."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.alarm import metric_dimension
from provisioning.resources.kind import Kind
from provisioning.tags import as_dict
from provisioning.waiting import only_answer, wait_until

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"  # TLS 1.2 and 1.3, no older


def tags_of(cloud: Cloud, arns: list[str]) -> dict[str, dict[str, str]]:
    """ARN -> tags; twenty ARNs at a time, the limit of one call."""
    tags: dict[str, dict[str, str]] = {}
    for start in range(0, len(arns), 20):
        descriptions = cloud.elb.describe_tags(ResourceArns=arns[start : start + 20])[
            "TagDescriptions"
        ]
        tags.update(
            {
                description["ResourceArn"]: as_dict(description["Tags"])
                for description in descriptions
            }
        )
    return tags


def our_resources(cloud: Cloud, described: list[Any], arn: str) -> Iterator[tuple[str, Any]]:
    """(name, description) of the resources that have our tags."""
    tags = tags_of(cloud, [description[arn] for description in described])
    for description in described:
        if cloud.scope.owns_tags(tags.get(description[arn], {})):
            yield tags[description[arn]]["Name"], description


class TargetGroup(Kind):
    kind = "target-group"
    absent = frozenset({"TargetGroupNotFound"})
    late = frozenset({"targets", "drain_seconds"})
    born = {"targets": frozenset(), "drain_seconds": 300}

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        pages = cloud.elb.get_paginator("describe_target_groups").paginate()
        groups = [group for page in pages for group in page["TargetGroups"]]
        for name, group in our_resources(cloud, groups, "TargetGroupArn"):
            arn = group["TargetGroupArn"]
            health = cloud.elb.describe_target_health(TargetGroupArn=arn)
            attributes = as_dict(
                cloud.elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
            )
            yield self.found(
                name=name,
                id=arn,
                props={
                    "vpc": group["VpcId"],
                    "port": group["Port"],
                    "health_path": group["HealthCheckPath"],
                    "health_port": _port_of(group["HealthCheckPort"], group["Port"]),
                    "targets": frozenset(
                        target["Target"]["Id"]
                        for target in health["TargetHealthDescriptions"]
                        if target["TargetHealth"]["State"] != "draining"
                    ),
                    "drain_seconds": int(attributes["deregistration_delay.timeout_seconds"]),
                },
                shows={"metric": metric_dimension(arn)},
            )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        response = cloud.elb.create_target_group(
            Name=want.name,
            Protocol="HTTP",
            Port=want.props["port"],
            VpcId=want.props["vpc"],
            TargetType="instance",
            HealthCheckPath=want.props["health_path"],
            HealthCheckPort=str(want.props["health_port"]),
            HealthCheckIntervalSeconds=10,
            HealthCheckTimeoutSeconds=4,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=3,
            Matcher={"HttpCode": "200"},
            Tags=cloud.scope.tags(want.name),
        )
        return response["TargetGroups"][0]["TargetGroupArn"]

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        if changed & {"health_path", "health_port"}:
            cloud.elb.modify_target_group(
                TargetGroupArn=found.id,
                HealthCheckPath=want.props["health_path"],
                HealthCheckPort=str(want.props["health_port"]),
            )
        if "drain_seconds" in changed:
            key = "deregistration_delay.timeout_seconds"
            cloud.elb.modify_target_group_attributes(
                TargetGroupArn=found.id,
                Attributes=[{"Key": key, "Value": str(want.props["drain_seconds"])}],
            )
        if "targets" in changed:
            self._set_targets(cloud, found, want)

    def _set_targets(self, cloud: Cloud, found: Found, want: Want) -> None:
        """New targets are registered before old ones are deregistered, so that some target always
        serves. Old ones have answered all their requests when this returns: a host may end then."""
        if missing := sorted(want.props["targets"] - found.props["targets"]):
            targets: Any = [{"Id": id} for id in missing]
            cloud.elb.register_targets(TargetGroupArn=found.id, Targets=targets)
        if extra := sorted(found.props["targets"] - want.props["targets"]):
            targets = [{"Id": id} for id in extra]
            cloud.elb.deregister_targets(TargetGroupArn=found.id, Targets=targets)
            wait_until(
                cloud, f"draining {found.name}", lambda: not _is_draining(cloud, found.id, extra)
            )

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("TargetGroupNotFound"):
            cloud.elb.delete_target_group(TargetGroupArn=found.id)


def _is_draining(cloud: Cloud, group: str, targets: list[str]) -> bool:
    health = cloud.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return any(
        one["Target"]["Id"] in targets and one["TargetHealth"]["State"] == "draining"
        for one in health
    )


def _port_of(health: str, traffic: int) -> int:
    """AWS returns `traffic-port` if the health check uses the same port as requests."""
    return traffic if health == "traffic-port" else int(health)


class Balancer(Kind):
    kind = "balancer"
    absent = frozenset({"LoadBalancerNotFound"})
    late = frozenset({"attributes"})
    born = {"attributes": {}}

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        pages = cloud.elb.get_paginator("describe_load_balancers").paginate()
        balancers = [balancer for page in pages for balancer in page["LoadBalancers"]]
        for name, balancer in our_resources(cloud, balancers, "LoadBalancerArn"):
            attributes = cloud.elb.describe_load_balancer_attributes(
                LoadBalancerArn=balancer["LoadBalancerArn"]
            )
            yield self.found(
                name=name,
                id=balancer["LoadBalancerArn"],
                props={
                    "subnets": frozenset(
                        zone["SubnetId"] for zone in balancer["AvailabilityZones"]
                    ),
                    "groups": frozenset(balancer["SecurityGroups"]),
                    "attributes": as_dict(attributes["Attributes"]),
                },
                ready=balancer["State"]["Code"] == "active",
                shows={
                    "host": balancer["DNSName"],
                    "metric": metric_dimension(balancer["LoadBalancerArn"]),
                },
            )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        response = cloud.elb.create_load_balancer(
            Name=want.name,
            Scheme="internet-facing",
            Type="application",
            Subnets=sorted(want.props["subnets"]),
            SecurityGroups=sorted(want.props["groups"]),
            Tags=cloud.scope.tags(want.name),
        )
        return response["LoadBalancers"][0]["LoadBalancerArn"]

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        if "subnets" in changed:
            cloud.elb.set_subnets(LoadBalancerArn=found.id, Subnets=sorted(want.props["subnets"]))
        if "groups" in changed:
            cloud.elb.set_security_groups(
                LoadBalancerArn=found.id, SecurityGroups=sorted(want.props["groups"])
            )
        if "attributes" in changed:
            wanted: Any = [
                {"Key": key, "Value": value} for key, value in want.props["attributes"].items()
            ]
            cloud.elb.modify_load_balancer_attributes(LoadBalancerArn=found.id, Attributes=wanted)

    def is_same(self, name: str, found: Any, wanted: Any) -> bool:
        """Compares only the attributes of the spec; AWS has many more, with good defaults."""
        if name == "attributes":
            return all(found.get(key) == value for key, value in wanted.items())
        return super().is_same(name, found, wanted)

    def is_ready(self, cloud: Cloud, id: str) -> bool:
        found = cloud.elb.describe_load_balancers(LoadBalancerArns=[id])["LoadBalancers"]
        return only_answer(found)["State"]["Code"] == "active"

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("LoadBalancerNotFound"):
            if found.props["attributes"].get("deletion_protection.enabled") == "true":
                cloud.elb.modify_load_balancer_attributes(
                    LoadBalancerArn=found.id,
                    Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}],
                )
            cloud.elb.delete_load_balancer(LoadBalancerArn=found.id)

    def is_gone(self, cloud: Cloud, found: Found) -> bool:
        with ignoring("LoadBalancerNotFound"):
            return not cloud.elb.describe_load_balancers(LoadBalancerArns=[found.id])[
                "LoadBalancers"
            ]
        return True

    def price_items(self, want: Want) -> dict[str, float]:
        return {"balancer": 1, "balancer_unit": 1, "public_address": len(want.props["subnets"])}
