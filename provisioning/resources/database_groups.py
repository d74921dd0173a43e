"""RDS' subnet groups and parameter groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.kind import Kind
from provisioning.tags import as_dict


def database_tags(cloud: Cloud, arn: str) -> dict[str, str]:
    return as_dict(cloud.rds.list_tags_for_resource(ResourceName=arn)["TagList"])


class DatabaseSubnets(Kind):
    kind = "db-subnets"
    absent = frozenset({"DBSubnetGroupNotFoundFault"})

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        pages = cloud.rds.get_paginator("describe_db_subnet_groups").paginate()
        for group in (group for page in pages for group in page["DBSubnetGroups"]):
            if cloud.scope.owns_tags(database_tags(cloud, group["DBSubnetGroupArn"])):
                subnets = frozenset(subnet["SubnetIdentifier"] for subnet in group["Subnets"])
                name = group["DBSubnetGroupName"]
                yield self.found(name=name, id=name, props={"subnets": subnets})

    def create_one(self, cloud: Cloud, want: Want) -> str:
        cloud.rds.create_db_subnet_group(
            DBSubnetGroupName=want.name,
            DBSubnetGroupDescription="Subnets of the coupon service's MySQL",
            SubnetIds=sorted(want.props["subnets"]),
            Tags=cloud.scope.tags(want.name),
        )
        return want.name

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        cloud.rds.modify_db_subnet_group(
            DBSubnetGroupName=found.id, SubnetIds=sorted(want.props["subnets"])
        )

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("DBSubnetGroupNotFoundFault"):
            cloud.rds.delete_db_subnet_group(DBSubnetGroupName=found.id)


class DatabaseParameters(Kind):
    kind = "db-parameters"
    absent = frozenset({"DBParameterGroupNotFound"})
    late = frozenset({"values"})
    born = {"values": {}}

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        pages = cloud.rds.get_paginator("describe_db_parameter_groups").paginate()
        for group in (group for page in pages for group in page["DBParameterGroups"]):
            name = group["DBParameterGroupName"]
            if name.startswith("default."):
                continue
            if cloud.scope.owns_tags(database_tags(cloud, group["DBParameterGroupArn"])):
                values = _values(cloud, name)
                family = group["DBParameterGroupFamily"]
                yield self.found(name=name, id=name, props={"family": family, "values": values})

    def create_one(self, cloud: Cloud, want: Want) -> str:
        cloud.rds.create_db_parameter_group(
            DBParameterGroupName=want.name,
            DBParameterGroupFamily=want.props["family"],
            Description="Parameters of the coupon service's MySQL",
            Tags=cloud.scope.tags(want.name),
        )
        return want.name

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        """All of them are dynamic parameters: applied immediately, without a restart."""
        wanted: Any = [
            {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
            for name, value in sorted(want.props["values"].items())
        ]
        cloud.rds.modify_db_parameter_group(DBParameterGroupName=found.id, Parameters=wanted)

    def is_same(self, name: str, found: Any, wanted: Any) -> bool:
        """Compares only the parameters of the spec; AWS has many more, with good defaults."""
        if name == "values":
            return all(found.get(key) == value for key, value in wanted.items())
        return super().is_same(name, found, wanted)

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("DBParameterGroupNotFound"):
            cloud.rds.delete_db_parameter_group(DBParameterGroupName=found.id)


def _values(cloud: Cloud, group: str) -> dict[str, str]:
    """Of all sources: one that was set to the engine's default isn't among the user's."""
    pages = cloud.rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=group)
    return {
        parameter["ParameterName"]: parameter["ParameterValue"]
        for page in pages
        for parameter in page["Parameters"]
        if "ParameterValue" in parameter
    }
