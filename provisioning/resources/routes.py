"""Route tables: their subnets and their routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.kind import Kind
from provisioning.tags import as_dict


class RouteTable(Kind):
    kind = "route-table"
    absent = frozenset({"InvalidRouteTableID.NotFound"})
    late = frozenset({"subnets", "routes"})
    born = {"subnets": frozenset(), "routes": {}}

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        pages = cloud.ec2.get_paginator("describe_route_tables").paginate(
            Filters=cloud.scope.filters()
        )
        for table in cloud.scope.only_ours(
            table for page in pages for table in page["RouteTables"]
        ):
            yield self.found(
                name=as_dict(table["Tags"])["Name"],
                id=table["RouteTableId"],
                props={
                    "vpc": table["VpcId"],
                    "subnets": frozenset(
                        link["SubnetId"] for link in table["Associations"] if "SubnetId" in link
                    ),
                    "routes": _routes(table["Routes"]),
                },
            )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        response = cloud.ec2.create_route_table(
            VpcId=want.props["vpc"],
            TagSpecifications=cloud.scope.tagging("route-table", want.name),
        )
        return response["RouteTable"]["RouteTableId"]

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        if "subnets" in changed:
            for subnet in sorted(want.props["subnets"] - found.props["subnets"]):
                _associate(cloud, table=found.id, subnet=subnet)
            _disassociate(cloud, table=found.id, keep=want.props["subnets"])
        if "routes" in changed:
            _set_routes(cloud, found.id, found.props["routes"], want.props["routes"])

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("InvalidRouteTableID.NotFound"):
            _disassociate(cloud, table=found.id, keep=frozenset())
            cloud.ec2.delete_route_table(RouteTableId=found.id)


def _routes(routes: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Destination -> gateway. Without local routes (the VPC's) and prefix lists (an endpoint's)."""
    return {
        route["DestinationCidrBlock"]: route.get("NatGatewayId") or route.get("GatewayId", "")
        for route in routes
        if "DestinationCidrBlock" in route and route.get("GatewayId") != "local"
    }


def _target(gateway: str) -> Any:
    return {"NatGatewayId" if gateway.startswith("nat-") else "GatewayId": gateway}


def _set_routes(
    cloud: Cloud, table: str, found: Mapping[str, str], wanted: Mapping[str, str]
) -> None:
    for destination, gateway in wanted.items():
        where = {"RouteTableId": table, "DestinationCidrBlock": destination, **_target(gateway)}
        if destination not in found:
            cloud.ec2.create_route(**where)
        elif found[destination] != gateway:
            cloud.ec2.replace_route(**where)
    for destination in found.keys() - wanted.keys():
        with ignoring("InvalidRoute.NotFound"):
            cloud.ec2.delete_route(RouteTableId=table, DestinationCidrBlock=destination)


def _associate(cloud: Cloud, *, table: str, subnet: str) -> None:
    """A subnet has one explicit table: if it is associated with another, replace that."""
    wanted: Any = [{"Name": "association.subnet-id", "Values": [subnet]}]
    for other in cloud.ec2.describe_route_tables(Filters=wanted)["RouteTables"]:
        for link in other["Associations"]:
            if link.get("SubnetId") == subnet:
                cloud.ec2.replace_route_table_association(
                    AssociationId=link["RouteTableAssociationId"], RouteTableId=table
                )
                return
    cloud.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)


def _disassociate(cloud: Cloud, *, table: str, keep: frozenset[str]) -> None:
    for described in cloud.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]:
        for link in described["Associations"]:
            if "SubnetId" in link and link["SubnetId"] not in keep:
                cloud.ec2.disassociate_route_table(AssociationId=link["RouteTableAssociationId"])
