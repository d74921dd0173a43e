"""AWS sees later what was made, and later that it is gone: asked again, within `waiting`."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest

from provisioning.errors import Incomplete
from provisioning.model import Key

pytestmark = pytest.mark.slow


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


def test_what_was_not_made_in_this_run_and_is_gone_is_not_waited_for(hello_rig: Any) -> None:
    hello_rig.build()
    found = hello_rig.find_all()
    hello_rig.cloud.ec2.terminate_instances(InstanceIds=[found[Key("host", "coupon-api")].id])
    plan = hello_rig.compute_plan()
    gone = found[Key("key-pair", "helloAWS")]
    hello_rig.cloud.ec2.delete_key_pair(KeyName=gone.id)
    with pytest.raises(Incomplete, match="InvalidKeyPair"):
        hello_rig.execute_steps(plan, found)


def test_a_balancers_interfaces_are_waited_for(production_rig: Any) -> None:
    production_rig.build()
    production_rig.destroy_all()
    assert production_rig.find_all() == {}
