"""AWS sees later what was made, and later that it is gone: asked again, within `waiting`."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest

from provisioning.errors import Incomplete
from provisioning.model import Key
from provisioning.plan import reversed_plan

pytestmark = pytest.mark.slow

LEFT_BEHIND = {
    "balancer": "ELB coupon-lb", "cache-node": "ElastiCache coupon-redis",
    "database": "RDS coupon-production-db",
}  # fmt: skip


def see_late(rig: Any) -> None:
    urllib.request.urlopen(
        urllib.request.Request(f"{rig.url}/late-visibility/on", method="POST"), timeout=30
    ).close()


@pytest.mark.parametrize("name", ["hello", "production"])
def test_apply_asks_again_for_what_it_has_just_made(
    name: str, request: pytest.FixtureRequest
) -> None:
    rig = request.getfixturevalue(f"{name}_rig")
    see_late(rig)
    rig.apply_plan()
    assert rig.compute_plan().changes == ()
    rig.destroy_all()
    assert rig.find_all() == {}


def test_negative_control_a_new_resource_is_refused_to_others(hello_rig: Any) -> None:
    see_late(hello_rig)
    ec2 = hello_rig.cloud.ec2
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    with pytest.raises(ec2.exceptions.ClientError, match="NotFound"):
        ec2.describe_vpcs(VpcIds=[vpc])
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"] == []
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["VpcId"] == vpc


def test_negative_control_a_new_balancer_and_a_new_group_are_refused_too(hello_rig: Any) -> None:
    hello_rig.build()
    see_late(hello_rig)
    subnets = [one.id for key, one in hello_rig.find_all().items() if key.kind == "subnet"]
    elb, rds = hello_rig.cloud.elb, hello_rig.cloud.rds
    made = elb.create_load_balancer(Name="late", Subnets=subnets)["LoadBalancers"][0]
    with pytest.raises(elb.exceptions.LoadBalancerNotFoundException):
        elb.describe_load_balancers(LoadBalancerArns=[made["LoadBalancerArn"]])
    rds.create_db_subnet_group(
        DBSubnetGroupName="late", DBSubnetGroupDescription="late", SubnetIds=subnets
    )
    with pytest.raises(rds.exceptions.DBSubnetGroupNotFoundFault):
        rds.describe_db_subnet_groups(DBSubnetGroupName="late")


def test_what_was_not_made_in_this_run_and_is_gone_is_not_waited_for(hello_rig: Any) -> None:
    hello_rig.build()
    found = hello_rig.find_all()
    hello_rig.cloud.ec2.terminate_instances(InstanceIds=[found[Key("host", "coupon-api")].id])
    plan = hello_rig.compute_plan()
    gone = found[Key("key-pair", "helloAWS")]
    hello_rig.cloud.ec2.delete_key_pair(KeyName=gone.id)
    with pytest.raises(Incomplete, match="InvalidKeyPair"):
        hello_rig.execute_steps(plan, found)


def test_interfaces_of_balancers_and_stores_are_waited_for(production_rig: Any) -> None:
    production_rig.build()
    production_rig.destroy_all()
    assert production_rig.find_all() == {}


@pytest.mark.parametrize("kind", ["balancer", "cache-node", "database"])
def test_negative_control_interfaces_stay_when_their_owner_is_gone(
    kind: str, production_rig: Any, hello_rig: Any
) -> None:
    rig = hello_rig if kind == "cache-node" else production_rig
    rig.build()
    found = rig.find_all()
    gone = next(one for key, one in found.items() if key.kind == kind)
    rig.execute_steps(reversed_plan((), {gone.key: gone}), found)
    assert gone.key not in rig.find_all()
    tier = {"balancer": "public", "cache-node": "private", "database": "db"}[kind]
    subnet = next(Key("subnet", s.name) for s in rig.spec.network.subnets if s.tier == tier)
    ec2 = rig.cloud.ec2
    with pytest.raises(ec2.exceptions.ClientError, match=LEFT_BEHIND[kind]):
        ec2.delete_subnet(SubnetId=found[subnet].id)
