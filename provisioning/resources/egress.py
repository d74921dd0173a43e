"""Egress: NAT gateways with their addresses, and the S3 gateway endpoint."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.kind import Kind
from provisioning.tags import as_dict


class Address(Kind):
    kind = "address"
    absent = frozenset({"InvalidAllocationID.NotFound"})

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        addresses = cloud.ec2.describe_addresses(Filters=cloud.scope.filters())["Addresses"]
        for address in cloud.scope.only_ours(addresses):
            yield self.found(
                name=as_dict(address["Tags"])["Name"],
                id=address["AllocationId"],
                props={},
                shows={"address": address["PublicIp"]},
            )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        response = cloud.ec2.allocate_address(
            Domain="vpc", TagSpecifications=cloud.scope.tagging("elastic-ip", want.name)
        )
        return response["AllocationId"]

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("InvalidAllocationID.NotFound"):
            cloud.ec2.release_address(AllocationId=found.id)

    def price_items(self, want: Want) -> dict[str, float]:
        return {"public_address": 1}


class Nat(Kind):
    kind = "nat"
    absent = frozenset({"NatGatewayNotFound", "InvalidNatGatewayID.NotFound"})

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        alive: Any = {"Filter": cloud.scope.filters(state=["pending", "available"])}
        pages = cloud.ec2.get_paginator("describe_nat_gateways").paginate(**alive)
        for nat in cloud.scope.only_ours(nat for page in pages for nat in page["NatGateways"]):
            addresses = nat["NatGatewayAddresses"]
            yield self.found(
                name=as_dict(nat["Tags"])["Name"],
                id=nat["NatGatewayId"],
                props={"subnet": nat["SubnetId"], "address": addresses[0]["AllocationId"]},
                ready=nat["State"] == "available",
                shows={"address": addresses[0].get("PublicIp", "")},
            )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        response = cloud.ec2.create_nat_gateway(
            SubnetId=want.props["subnet"],
            AllocationId=want.props["address"],
            TagSpecifications=cloud.scope.tagging("natgateway", want.name),
        )
        return response["NatGateway"]["NatGatewayId"]

    def is_ready(self, cloud: Cloud, id: str) -> bool:
        return self._state(cloud, id) == "available"

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("NatGatewayNotFound"):
            cloud.ec2.delete_nat_gateway(NatGatewayId=found.id)

    def is_gone(self, cloud: Cloud, found: Found) -> bool:
        return self._state(cloud, found.id) in ("deleted", "")

    def price_items(self, want: Want) -> dict[str, float]:
        return {"nat": 1}

    def _state(self, cloud: Cloud, id: str) -> str:
        with ignoring("NatGatewayNotFound"):
            nats = cloud.ec2.describe_nat_gateways(NatGatewayIds=[id])["NatGateways"]
            return nats[0]["State"] if nats else ""
        return ""


class S3Endpoint(Kind):
    kind = "s3-endpoint"
    absent = frozenset({"InvalidVpcEndpointId.NotFound"})

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        pages = cloud.ec2.get_paginator("describe_vpc_endpoints").paginate(
            Filters=cloud.scope.filters()
        )
        for endpoint in cloud.scope.only_ours(
            endpoint for page in pages for endpoint in page["VpcEndpoints"]
        ):
            if endpoint["State"].lower() in ("deleting", "deleted"):
                continue
            yield self.found(
                name=as_dict(endpoint["Tags"])["Name"],
                id=endpoint["VpcEndpointId"],
                props={
                    "vpc": endpoint["VpcId"],
                    "service": endpoint["ServiceName"],
                    "tables": frozenset(endpoint["RouteTableIds"]),
                },
            )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        response = cloud.ec2.create_vpc_endpoint(
            VpcEndpointType="Gateway",
            VpcId=want.props["vpc"],
            ServiceName=want.props["service"],
            RouteTableIds=sorted(want.props["tables"]),
            TagSpecifications=cloud.scope.tagging("vpc-endpoint", want.name),
        )
        return response["VpcEndpoint"]["VpcEndpointId"]

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        lists = {
            "AddRouteTableIds": sorted(want.props["tables"] - found.props["tables"]),
            "RemoveRouteTableIds": sorted(found.props["tables"] - want.props["tables"]),
        }
        changes: Any = {name: tables for name, tables in lists.items() if tables}
        cloud.ec2.modify_vpc_endpoint(VpcEndpointId=found.id, **changes)

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        cloud.ec2.delete_vpc_endpoints(VpcEndpointIds=[found.id])
