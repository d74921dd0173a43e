"""IAM: a role with least privilege for each role of hosts, and its instance profile."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.kind import Kind
from provisioning.tags import as_dict

POLICY = "own-things"


class Role(Kind):
    """`others`: policies other than ours. Rights granted by hand are drift and are removed."""

    kind = "role"
    absent = frozenset({"NoSuchEntity"})
    late = frozenset({"policy", "others"})
    born = {"policy": "", "others": frozenset()}

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        pages = cloud.iam.get_paginator("list_roles").paginate(PathPrefix=f"{cloud.scope.path}/")
        for role in (role for page in pages for role in page["Roles"]):
            name = role["RoleName"]
            tags = as_dict(cloud.iam.list_role_tags(RoleName=name)["Tags"])
            if cloud.scope.owns_tags(tags):
                yield self.found(
                    name=name,
                    id=name,
                    props={
                        "trust": normalised_policy(role["AssumeRolePolicyDocument"]),
                        "policy": _policy(cloud, name),
                        "others": _other_policies(cloud, name),
                    },
                )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        cloud.iam.create_role(
            Path=f"{cloud.scope.path}/",
            RoleName=want.name,
            AssumeRolePolicyDocument=want.props["trust"],
            Description=f"{want.name}, for the coupon service",
            Tags=cloud.scope.tags(want.name),
        )
        return want.name

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        if "trust" in changed:
            cloud.iam.update_assume_role_policy(
                RoleName=found.id, PolicyDocument=want.props["trust"]
            )
        if "others" in changed:
            _remove_policies(cloud, found.id, found.props["others"] - want.props["others"])
        if "policy" in changed:
            document = want.props["policy"].replace("ACCOUNT", cloud.account)
            cloud.iam.put_role_policy(RoleName=found.id, PolicyName=POLICY, PolicyDocument=document)

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        """Removes all policies first: AWS deletes no role that still has one."""
        own_policies = {POLICY} if found.props["policy"] else frozenset()
        _remove_policies(cloud, found.id, found.props["others"] | own_policies)
        with ignoring("NoSuchEntity"):
            cloud.iam.delete_role(RoleName=found.id)


def _policy(cloud: Cloud, role: str) -> str:
    """The role's own policy, normalised, with ACCOUNT in place of the account's number."""
    with ignoring("NoSuchEntity"):
        document: Any = cloud.iam.get_role_policy(RoleName=role, PolicyName=POLICY)[
            "PolicyDocument"
        ]
        return normalised_policy(document).replace(f":{cloud.account}:", ":ACCOUNT:")
    return ""


def _other_policies(cloud: Cloud, role: str) -> frozenset[str]:
    """Names of inline policies and ARNs of attached ones, without our own."""
    attached = cloud.iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    inline = cloud.iam.list_role_policies(RoleName=role)["PolicyNames"]
    return frozenset({policy["PolicyArn"] for policy in attached} | {*inline} - {POLICY})


def _remove_policies(cloud: Cloud, role: str, policies: Iterable[str]) -> None:
    for policy in sorted(policies):
        with ignoring("NoSuchEntity"):
            if policy.startswith("arn:"):
                cloud.iam.detach_role_policy(RoleName=role, PolicyArn=policy)
            else:
                cloud.iam.delete_role_policy(RoleName=role, PolicyName=policy)


def trust_policy(service: str) -> str:
    """The policy by which only this AWS service may assume the role."""
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return normalised_policy({"Version": "2012-10-17", "Statement": [allowed]})


def normalised_policy(document: Any) -> str:
    """A policy as JSON in one normal form, so that equal policies are equal texts."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


class Profile(Kind):
    kind = "profile"
    absent = frozenset({"NoSuchEntity"})
    late = frozenset({"role"})
    born = {"role": ""}

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        pages = cloud.iam.get_paginator("list_instance_profiles").paginate(
            PathPrefix=f"{cloud.scope.path}/"
        )
        for profile in (profile for page in pages for profile in page["InstanceProfiles"]):
            name = profile["InstanceProfileName"]
            response: Any = cloud.iam.get_instance_profile(InstanceProfileName=name)
            if cloud.scope.owns_tags(as_dict(response["InstanceProfile"].get("Tags"))):
                roles = [role["RoleName"] for role in profile["Roles"]]
                yield self.found(name=name, id=name, props={"role": roles[0] if roles else ""})

    def create_one(self, cloud: Cloud, want: Want) -> str:
        cloud.iam.create_instance_profile(
            Path=f"{cloud.scope.path}/",
            InstanceProfileName=want.name,
            Tags=cloud.scope.tags(want.name),
        )
        return want.name

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        self._empty(cloud, found)
        cloud.iam.add_role_to_instance_profile(
            InstanceProfileName=found.id, RoleName=want.props["role"]
        )

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        self._empty(cloud, found)
        with ignoring("NoSuchEntity"):
            cloud.iam.delete_instance_profile(InstanceProfileName=found.id)

    def _empty(self, cloud: Cloud, found: Found) -> None:
        if found.props["role"]:
            with ignoring("NoSuchEntity"):
                cloud.iam.remove_role_from_instance_profile(
                    InstanceProfileName=found.id, RoleName=found.props["role"]
                )
