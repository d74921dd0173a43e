"""The test cloud itself: it must refuse what AWS refuses, or the other tests prove nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from provisioning.client_errors import translated_errors
from provisioning.errors import AwsRefused
from provisioning.model import Found, Key

pytestmark = pytest.mark.slow


def test_removing_what_is_in_use_is_refused(production_rig: Any) -> None:
    production_rig.build()
    ec2 = production_rig.cloud.ec2
    found: dict[Key, Found] = production_rig.find_all()
    vpc = found[Key("vpc", "coupon-vpc")].id

    def subnet_removal(name: str) -> Callable[[], object]:
        return lambda: ec2.delete_subnet(SubnetId=found[Key("subnet", name)].id)

    def group_removal(role: str) -> Callable[[], object]:
        id = found[Key("group", f"coupon-production-{role}")].id
        return lambda: ec2.delete_security_group(GroupId=id)

    attempts: dict[str, Callable[[], object]] = {
        "a subnet with hosts": subnet_removal("coupon-app-a"),
        "a subnet with the database": subnet_removal("coupon-db-a"),
        "a subnet with a NAT and the balancer": subnet_removal("coupon-public-c"),
        "the api hosts' group": group_removal("api"),
        "the database's group": group_removal("database"),
        "the caches' group": group_removal("cache"),
        "the balancer's group": group_removal("balancer"),
        "the VPC": lambda: ec2.delete_vpc(VpcId=vpc),
        "the way out": lambda: ec2.detach_internet_gateway(
            InternetGatewayId=found[Key("internet-gateway", "coupon-ig")].id, VpcId=vpc
        ),
        "a NAT's address": lambda: ec2.release_address(
            AllocationId=found[Key("address", "coupon-production-nat-a")].id
        ),
        "a protected host": lambda: ec2.terminate_instances(
            InstanceIds=[found[Key("host", "coupon-api-1")].id]
        ),
        "a protected database": lambda: production_rig.cloud.rds.delete_db_instance(
            DBInstanceIdentifier="coupon-production-db", SkipFinalSnapshot=True
        ),
        "a cache's parameters": lambda: (
            production_rig.cloud.elasticache.delete_cache_parameter_group(
                CacheParameterGroupName="production-coupon-store-valkey8"
            )
        ),
        "a cache's subnets": lambda: production_rig.cloud.elasticache.delete_cache_subnet_group(
            CacheSubnetGroupName="coupon-cache-subnets"
        ),
        "the database's subnets": lambda: production_rig.cloud.rds.delete_db_subnet_group(
            DBSubnetGroupName="coupon-db-subnets"
        ),
    }
    let_through = []
    for what, attempt in attempts.items():
        try:
            attempt()
        except production_rig.cloud.ec2.exceptions.ClientError:
            continue
        let_through.append(what)
    assert let_through == []


@pytest.mark.parametrize(
    ("what", "request_"),
    [
        ("InvalidAMIID", {"ImageId": "ami-0badbadbadbadbadb", "InstanceType": "t2.micro"}),
        ("InvalidInstanceType", {"ImageId": "ami-0200000000000002", "InstanceType": "t9.huge"}),
        (
            "InvalidKeyPair",
            {"ImageId": "ami-0200000000000002", "InstanceType": "t2.micro", "KeyName": "no"},
        ),
    ],
)
def test_unknown_images_sizes_and_keys_are_refused(
    hello_rig: Any, what: str, request_: dict[str, str]
) -> None:
    with pytest.raises(AwsRefused) as refused, translated_errors("launching"):
        hello_rig.cloud.ec2.run_instances(MinCount=1, MaxCount=1, **request_)
    assert what.lower() in refused.value.aws_code.lower()


def test_a_group_that_a_rule_of_another_group_names_is_refused(production_rig: Any) -> None:
    """Ingress and egress rules alike."""
    production_rig.build()
    ec2 = production_rig.cloud.ec2
    vpc = production_rig.find_all()[Key("vpc", "coupon-vpc")].id
    named, names = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("named", "names")
    )
    rule: Any = {
        "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
        "UserIdGroupPairs": [{"GroupId": named}],
    }  # fmt: skip
    for authorize, revoke in (
        (ec2.authorize_security_group_ingress, ec2.revoke_security_group_ingress),
        (ec2.authorize_security_group_egress, ec2.revoke_security_group_egress),
    ):
        authorize(GroupId=names, IpPermissions=[rule])
        with pytest.raises(AwsRefused, match=names), translated_errors("deleting"):
            ec2.delete_security_group(GroupId=named)
        revoke(GroupId=names, IpPermissions=[rule])
    ec2.delete_security_group(GroupId=named)


def test_a_database_in_one_zone_is_refused(hello_rig: Any) -> None:
    hello_rig.build()
    subnet = hello_rig.find_all()[Key("subnet", "hello-db-subnet")].id
    with pytest.raises(AwsRefused, match="two zones"), translated_errors("grouping"):
        hello_rig.cloud.rds.create_db_subnet_group(
            DBSubnetGroupName="one", DBSubnetGroupDescription="one", SubnetIds=[subnet]
        )
