"""ElastiCache's subnet groups and parameter groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.kind import Kind
from provisioning.tags import as_dict


def cache_tags(cloud: Cloud, arn: str) -> dict[str, str]:
    """The tags of a group of subnets or parameters, a snapshot, or a store that is available: of
    any other AWS refuses to list them (see `cache_states`), and the answer is empty."""
    with ignoring(
        "InvalidReplicationGroupState", "CacheClusterNotFound", "UserNotFound", "UserGroupNotFound"
    ):
        return as_dict(cloud.elasticache.list_tags_for_resource(ResourceName=arn)["TagList"])
    return {}


class CacheSubnets(Kind):
    kind = "cache-subnets"
    absent = frozenset({"CacheSubnetGroupNotFoundFault"})

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        pages = cloud.elasticache.get_paginator("describe_cache_subnet_groups").paginate()
        for group in (group for page in pages for group in page["CacheSubnetGroups"]):
            if group["CacheSubnetGroupName"] == "default":
                continue
            if cloud.scope.owns_tags(cache_tags(cloud, group["ARN"])):
                subnets = frozenset(subnet["SubnetIdentifier"] for subnet in group["Subnets"])
                name = group["CacheSubnetGroupName"]
                yield self.found(name=name, id=name, props={"subnets": subnets})

    def create_one(self, cloud: Cloud, want: Want) -> str:
        cloud.elasticache.create_cache_subnet_group(
            CacheSubnetGroupName=want.name,
            CacheSubnetGroupDescription="Subnets of the coupon service's Redis",
            SubnetIds=sorted(want.props["subnets"]),
            Tags=cloud.scope.tags(want.name),
        )
        return want.name

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        cloud.elasticache.modify_cache_subnet_group(
            CacheSubnetGroupName=found.id, SubnetIds=sorted(want.props["subnets"])
        )

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("CacheSubnetGroupNotFoundFault"):
            cloud.elasticache.delete_cache_subnet_group(CacheSubnetGroupName=found.id)


def our_cache_subnets(cloud: Cloud) -> frozenset[str]:
    """Names of the subnet groups that have our tags, which can always be read."""
    return frozenset(found.name for found in CacheSubnets().find_all(cloud))


class CacheParameters(Kind):
    """For `noeviction`: AWS' default evicts keys with a TTL, which would lose coupons."""

    kind = "cache-parameters"
    absent = frozenset({"CacheParameterGroupNotFound"})
    late = frozenset({"values"})
    born = {"values": {}}

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        pages = cloud.elasticache.get_paginator("describe_cache_parameter_groups").paginate()
        for group in (group for page in pages for group in page["CacheParameterGroups"]):
            name = group["CacheParameterGroupName"]
            if name.startswith("default.") or not cloud.scope.owns_tags(
                cache_tags(cloud, group["ARN"])
            ):
                continue
            yield self.found(
                name=name,
                id=name,
                props={
                    "family": group["CacheParameterGroupFamily"],
                    "values": self._values(cloud, name),
                },
            )

    def _values(self, cloud: Cloud, name: str) -> dict[str, str]:
        """Of all sources: one that was set to the engine's default isn't among the user's."""
        pages = cloud.elasticache.get_paginator("describe_cache_parameters").paginate(
            CacheParameterGroupName=name
        )
        return {
            parameter["ParameterName"]: parameter["ParameterValue"]
            for page in pages
            for parameter in page["Parameters"]
            if "ParameterValue" in parameter
        }

    def create_one(self, cloud: Cloud, want: Want) -> str:
        cloud.elasticache.create_cache_parameter_group(
            CacheParameterGroupName=want.name,
            CacheParameterGroupFamily=want.props["family"],
            Description="Parameters of the coupon service's Redis",
            Tags=cloud.scope.tags(want.name),
        )
        return want.name

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        cloud.elasticache.modify_cache_parameter_group(
            CacheParameterGroupName=found.id,
            ParameterNameValues=[
                {"ParameterName": name, "ParameterValue": value}
                for name, value in sorted(want.props["values"].items())
            ],
        )

    def is_same(self, name: str, found: Any, wanted: Any) -> bool:
        """Only what the spec names is judged; AWS has many more parameters with good defaults."""
        if name == "values":
            return all(found.get(key) == value for key, value in wanted.items())
        return super().is_same(name, found, wanted)

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("CacheParameterGroupNotFound"):
            cloud.elasticache.delete_cache_parameter_group(CacheParameterGroupName=found.id)
