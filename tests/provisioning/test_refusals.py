"""Refusals of AWS that moto does not make, played by botocore's Stubber: each is one sentence
that says what to do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.stub import ANY, Stubber

import provisioning
from provisioning.client_errors import translated_errors, would_be_allowed
from provisioning.errors import AwsRefused, Incomplete
from provisioning.model import Key
from provisioning.resources.catalogue import BY_NAME
from provisioning.resources.kind import resolved_want
from provisioning.spec.model import Waiting
from provisioning.waiting import wait_until

pytestmark = pytest.mark.slow

NEEDED = {
    Key("subnet", "hello-public-subnet"): "subnet-1",
    Key("default-group", "hello-default"): "sg-1",
    Key("key-pair", "helloAWS"): "helloAWS",
}
IMAGE = {
    "ImageId": "ami-1", "CreationDate": "2026-10-01", "RootDeviceName": "/dev/sda1",
}  # fmt: skip


@pytest.fixture
def ec2_stubber(hello_rig: Any) -> Iterator[Stubber]:
    with Stubber(hello_rig.cloud.ec2) as stub:
        yield stub
        stub.assert_no_pending_responses()


def launch_host(rig: Any) -> str:
    want = next(want for want in rig.wants if want.key == Key("host", "coupon-api"))
    return BY_NAME["host"].create_one(rig.cloud, resolved_want(want, NEEDED))


@pytest.mark.parametrize(
    ("code", "says", "todo"),
    [
        ("InsufficientInstanceCapacity", "no free machine of this size", "another size or zone"),
        ("VcpuLimitExceeded", "quota of vCPUs is used up", "Service Quotas"),
        ("RequestLimitExceeded", "throttling", "Apply again in a minute"),
        ("UnauthorizedOperation", "may not do that", "Run doctor"),
        ("SomethingLimitExceeded", "a quota of the account", "Service Quotas"),
        ("NeverHeardOf", "AWS' own words (NeverHeardOf)", ""),
    ],
)
def test_a_refused_launch_is_a_sentence(
    hello_rig: Any, code: str, says: str, todo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hello_rig.build()
    host = hello_rig.find_all()[Key("host", "coupon-api")].id
    hello_rig.cloud.ec2.terminate_instances(InstanceIds=[host])

    def raise_client_error(**_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "AWS' own words"}}, "RunInstances")

    monkeypatch.setattr(hello_rig.cloud.ec2, "run_instances", raise_client_error)
    with pytest.raises(Incomplete) as stopped:
        hello_rig.apply_plan()
    assert "make host coupon-api" in str(stopped.value)
    assert says in str(stopped.value)
    assert todo in str(stopped.value)


def test_the_launch_says_all_that_moto_forgets(hello_rig: Any, ec2_stubber: Stubber) -> None:
    ec2_stubber.add_response("describe_images", {"Images": [IMAGE]})
    ec2_stubber.add_response(
        "run_instances",
        {"Instances": [{"InstanceId": "i-1"}]},
        {
            "ImageId": "ami-1",
            "InstanceType": "t2.medium",
            "MinCount": 1,
            "MaxCount": 1,
            "KeyName": "helloAWS",
            "SubnetId": "subnet-1",
            "SecurityGroupIds": ["sg-1"],
            "DisableApiTermination": False,
            "Monitoring": {"Enabled": False},
            "MetadataOptions": {
                "HttpTokens": "required", "HttpPutResponseHopLimit": 1, "HttpEndpoint": "enabled",
            },
            "BlockDeviceMappings": [
                {
                    "DeviceName": "/dev/sda1",
                    "Ebs": {
                        "VolumeSize": 20, "VolumeType": "gp3", "Encrypted": True,
                        "DeleteOnTermination": True,
                    },
                }
            ],
            "TagSpecifications": ANY,
            "ClientToken": ANY,
        },
    )  # fmt: skip
    assert launch_host(hello_rig) == "i-1"


def test_the_same_launch_has_the_same_client_token(
    hello_rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With it AWS returns the host that a killed run created, even before its tags can be found."""
    asked: list[Any] = []

    def record_launch(**said: Any) -> Any:
        asked.append(said)
        return {"Instances": [{"InstanceId": "i-1"}]}

    monkeypatch.setattr(hello_rig.cloud.ec2, "describe_images", lambda **_: {"Images": [IMAGE]})
    monkeypatch.setattr(hello_rig.cloud.ec2, "run_instances", record_launch)
    launch_host(hello_rig)
    launch_host(hello_rig)
    assert asked[0]["ClientToken"] == asked[1]["ClientToken"]


def test_a_host_ended_by_hand_is_launched_under_another_token(
    hello_rig: Any, ec2_stubber: Stubber
) -> None:
    ec2_stubber.add_response("describe_images", {"Images": [IMAGE]})
    ec2_stubber.add_client_error("run_instances", "IdempotentInstanceTerminated")
    ec2_stubber.add_response("describe_images", {"Images": [IMAGE]})
    ec2_stubber.add_response("run_instances", {"Instances": [{"InstanceId": "i-2"}]})
    assert launch_host(hello_rig) == "i-2"


def test_a_profile_aws_does_not_see_yet_is_waited_for(hello_rig: Any, ec2_stubber: Stubber) -> None:
    ec2_stubber.add_response("describe_images", {"Images": [IMAGE]})
    ec2_stubber.add_client_error(
        "run_instances", "InvalidParameterValue", "Invalid IAM Instance Profile name"
    )
    ec2_stubber.add_response("run_instances", {"Instances": [{"InstanceId": "i-1"}]})
    assert launch_host(hello_rig) == "i-1"


def test_waiting_ends_with_a_sentence(hello_rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hello_rig.cloud, "waiting", Waiting(poll_seconds=0.01, minutes=0.001))
    with pytest.raises(Incomplete, match="took longer than"):
        wait_until(hello_rig.cloud, "making it", lambda: False)


def test_a_dry_run_tells_allowed_from_denied(hello_rig: Any, ec2_stubber: Stubber) -> None:
    def is_allowed() -> bool:
        return would_be_allowed(
            lambda: hello_rig.cloud.ec2.create_vpc(CidrBlock="10.0.0.0/16", DryRun=True)
        )

    ec2_stubber.add_client_error("create_vpc", "DryRunOperation")
    assert is_allowed() is True
    ec2_stubber.add_client_error("create_vpc", "UnauthorizedOperation")
    assert is_allowed() is False
    ec2_stubber.add_client_error("create_vpc", "VpcLimitExceeded")
    with pytest.raises(ClientError):
        is_allowed()


def test_missing_credentials_are_told() -> None:
    with (
        pytest.raises(AwsRefused, match="Check credentials"),
        translated_errors("Opening a session"),
    ):
        raise NoCredentialsError


DOORS = {"boto3": {"aws.py"}, "botocore": {"aws.py", "client_errors.py", "waiting.py"}}


def test_boto3_has_one_door_and_imports_go_down() -> None:
    root = Path(provisioning.__file__).parent
    for file in root.rglob("*.py"):
        for name in imported_modules(file):
            top = name.partition(".")[0]
            assert top not in ("coupons", "config", "django"), file
            assert file.name in DOORS.get(top, {file.name}), f"{file} goes past the door of {top}"
            if "blueprint" in name:
                assert "resources" not in file.parts, f"{file} looks up at {name}"
            if "verbs" in name:
                assert file.name == "cli.py" or "verbs" in file.parts, f"{file} looks up at {name}"


def imported_modules(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
