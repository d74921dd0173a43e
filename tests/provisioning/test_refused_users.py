"""The test cloud refuses of users and their groups what ElastiCache refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from provisioning.client_errors import translated_errors
from provisioning.errors import AwsRefused

pytestmark = pytest.mark.slow

PASSWORD = "p" * 64


def refusal_code(call: Callable[[], object]) -> str:
    """AWS' code; empty if it does it."""
    try:
        with translated_errors("trying"):
            call()
    except AwsRefused as refused:
        return refused.aws_code
    return ""


@pytest.mark.parametrize(
    ("access", "password", "code"),
    [
        ("on ~a &b -@all +get +client|id", PASSWORD, ""),
        ("on %R~a -@all +get", PASSWORD, ""),
        ("off -@all", PASSWORD, ""),
        ("~a +get", PASSWORD, "InvalidParameterValue"),
        (f"on >{PASSWORD} ~a +get", PASSWORD, "InvalidParameterValue"),
        ("on nopass ~a +get", PASSWORD, "InvalidParameterValue"),
        ("on reset ~a +get", PASSWORD, "InvalidParameterValue"),
        ("on ~a +config|get", PASSWORD, "InvalidParameterValue"),
        ("on ~a +acl|setuser", PASSWORD, "InvalidParameterValue"),
        ("on ~a +get", "p" * 15, "InvalidParameterValue"),
        ("on ~a +get", "p" * 129, "InvalidParameterValue"),
    ],
)
def test_an_access_string_or_a_password_that_aws_refuses(
    hello_rig: Any, access: str, password: str, code: str
) -> None:
    mode: Any = {"Type": "password", "Passwords": [password]}
    assert code == refusal_code(
        lambda: hello_rig.cloud.elasticache.create_user(
            UserId="one", UserName="one", Engine="redis", AccessString=access,
            AuthenticationMode=mode,
        )
    )  # fmt: skip


def test_what_is_in_use_or_missing_is_refused(production_rig: Any) -> None:
    production_rig.build()
    aws = production_rig.cloud.elasticache
    group = "coupon-store-users"
    attempts: dict[str, Callable[[], object]] = {
        "InvalidUserGroupState": lambda: aws.delete_user_group(UserGroupId=group),
        "DefaultUserAssociatedToUserGroup": lambda: aws.delete_user(UserId="coupon-store-default"),
        "DefaultUserRequired": lambda: aws.modify_user_group(
            UserGroupId=group, UserIdsToRemove=["coupon-store-default"]
        ),
        "DuplicateUserName": lambda: aws.modify_user_group(
            UserGroupId=group, UserIdsToAdd=["coupon-broker-web"]
        ),
        "UserNotFound": lambda: aws.modify_user_group(UserGroupId=group, UserIdsToAdd=["nobody"]),
        "UserGroupNotFound": lambda: aws.modify_replication_group(
            ReplicationGroupId="coupon-store", UserGroupIdsToAdd=["none"]
        ),
        "InvalidParameterCombination": lambda: aws.modify_replication_group(
            ReplicationGroupId="coupon-store", AuthToken=PASSWORD, AuthTokenUpdateStrategy="ROTATE"
        ),
    }
    assert {code: refusal_code(call) for code, call in attempts.items()} == {
        code: code for code in attempts
    }


def test_what_aws_is_at_work_on_is_refused(production_rig: Any) -> None:
    production_rig.build()
    aws = production_rig.cloud.elasticache
    aws.modify_user(UserId="coupon-store-web", AccessString="on ~* -@all +get")
    assert (
        refusal_code(
            lambda: aws.modify_user(UserId="coupon-store-web", AccessString="on ~* -@all +set")
        )
        == "InvalidUserState"
    )
    assert (
        refusal_code(
            lambda: aws.modify_user_group(UserGroupId="coupon-store-users", UserIdsToRemove=["x"])
        )
        == "InvalidUserGroupState"
    )


def test_a_token_gives_way_with_delete_only(production_rig: Any) -> None:
    aws = production_rig.cloud.elasticache
    production_rig.build()
    aws.create_replication_group(
        ReplicationGroupId="other", ReplicationGroupDescription="other", Engine="valkey",
        CacheNodeType="cache.t4g.small", NumCacheClusters=1, TransitEncryptionEnabled=True,
        AuthToken=PASSWORD, CacheSubnetGroupName="coupon-cache-subnets",
        CacheParameterGroupName="production-coupon-store-valkey8", EngineVersion="8.0",
    )  # fmt: skip
    while aws.describe_replication_groups()["ReplicationGroups"][-1]["Status"] != "available":
        pass
    lets_in: Any = {"ReplicationGroupId": "other", "UserGroupIdsToAdd": ["coupon-broker-users"]}
    ends: Any = {"ReplicationGroupId": "other", "AuthTokenUpdateStrategy": "DELETE"}
    wrong = "InvalidParameterCombination"
    assert refusal_code(lambda: aws.modify_replication_group(**lets_in)) == wrong
    assert refusal_code(lambda: aws.modify_replication_group(**ends)) == wrong
    assert refusal_code(lambda: aws.modify_replication_group(**{**lets_in, **ends})) == ""
