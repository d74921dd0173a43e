"""The VPC, its subnets and its internet gateway."""

from __future__ import annotations

from collections.abc import Iterable

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.kind import Kind
from provisioning.tags import as_dict
from provisioning.waiting import only_answer


class Vpc(Kind):
    kind = "vpc"
    absent = frozenset({"InvalidVpcID.NotFound"})
    late = frozenset({"dns_hostnames"})
    born = {"dns_hostnames": False}

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        pages = cloud.ec2.get_paginator("describe_vpcs").paginate(Filters=cloud.scope.filters())
        for vpc in cloud.scope.only_ours(vpc for page in pages for vpc in page["Vpcs"]):
            dns = cloud.ec2.describe_vpc_attribute(
                VpcId=vpc["VpcId"], Attribute="enableDnsHostnames"
            )
            yield self.found(
                name=as_dict(vpc["Tags"])["Name"],
                id=vpc["VpcId"],
                props={
                    "cidr": vpc["CidrBlock"],
                    "dns_hostnames": dns["EnableDnsHostnames"]["Value"],
                },
                ready=vpc["State"] == "available",
            )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        response = cloud.ec2.create_vpc(
            CidrBlock=want.props["cidr"], TagSpecifications=cloud.scope.tagging("vpc", want.name)
        )
        return response["Vpc"]["VpcId"]

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        if "dns_hostnames" in changed:
            cloud.ec2.modify_vpc_attribute(
                VpcId=found.id, EnableDnsHostnames={"Value": want.props["dns_hostnames"]}
            )

    def is_ready(self, cloud: Cloud, id: str) -> bool:
        with ignoring("InvalidVpcID.NotFound"):  # a new one is not visible everywhere at once
            return only_answer(cloud.ec2.describe_vpcs(VpcIds=[id])["Vpcs"])["State"] == "available"
        return False

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("InvalidVpcID.NotFound"):
            cloud.ec2.delete_vpc(VpcId=found.id)


class Subnet(Kind):
    kind = "subnet"
    absent = frozenset({"InvalidSubnetID.NotFound"})
    late = frozenset({"public_addresses"})
    born = {"public_addresses": False}

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        pages = cloud.ec2.get_paginator("describe_subnets").paginate(Filters=cloud.scope.filters())
        for subnet in cloud.scope.only_ours(subnet for page in pages for subnet in page["Subnets"]):
            yield self.found(
                name=as_dict(subnet["Tags"])["Name"],
                id=subnet["SubnetId"],
                props={
                    "vpc": subnet["VpcId"],
                    "cidr": subnet["CidrBlock"],
                    "zone": subnet["AvailabilityZone"],
                    "public_addresses": subnet["MapPublicIpOnLaunch"],
                },
                ready=subnet["State"] == "available",
            )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        response = cloud.ec2.create_subnet(
            VpcId=want.props["vpc"],
            CidrBlock=want.props["cidr"],
            AvailabilityZone=want.props["zone"],
            TagSpecifications=cloud.scope.tagging("subnet", want.name),
        )
        return response["Subnet"]["SubnetId"]

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        if "public_addresses" in changed:
            cloud.ec2.modify_subnet_attribute(
                SubnetId=found.id, MapPublicIpOnLaunch={"Value": want.props["public_addresses"]}
            )

    def is_ready(self, cloud: Cloud, id: str) -> bool:
        with ignoring("InvalidSubnetID.NotFound"):
            return (
                only_answer(cloud.ec2.describe_subnets(SubnetIds=[id])["Subnets"])["State"]
                == "available"
            )
        return False

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("InvalidSubnetID.NotFound"):
            cloud.ec2.delete_subnet(SubnetId=found.id)


class InternetGateway(Kind):
    kind = "internet-gateway"
    absent = frozenset({"InvalidInternetGatewayID.NotFound"})
    late = frozenset({"vpc"})
    born = {"vpc": ""}

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        pages = cloud.ec2.get_paginator("describe_internet_gateways").paginate(
            Filters=cloud.scope.filters()
        )
        for gateway in cloud.scope.only_ours(
            gateway for page in pages for gateway in page["InternetGateways"]
        ):
            attached = [link["VpcId"] for link in gateway["Attachments"]]
            yield self.found(
                name=as_dict(gateway["Tags"])["Name"],
                id=gateway["InternetGatewayId"],
                props={"vpc": attached[0] if attached else ""},
            )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        response = cloud.ec2.create_internet_gateway(
            TagSpecifications=cloud.scope.tagging("internet-gateway", want.name)
        )
        return response["InternetGateway"]["InternetGatewayId"]

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        self._detach(cloud, found)
        cloud.ec2.attach_internet_gateway(InternetGatewayId=found.id, VpcId=want.props["vpc"])

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        self._detach(cloud, found)
        with ignoring("InvalidInternetGatewayID.NotFound"):
            cloud.ec2.delete_internet_gateway(InternetGatewayId=found.id)

    def _detach(self, cloud: Cloud, found: Found) -> None:
        if found.props["vpc"]:
            with ignoring("Gateway.NotAttached", "InvalidInternetGatewayID.NotFound"):
                cloud.ec2.detach_internet_gateway(
                    InternetGatewayId=found.id, VpcId=found.props["vpc"]
                )
