"""ElastiCache's users, each with rights of its own, and the groups by which they reach a store."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.access_strings import grants_the_same
from provisioning.resources.cache_groups import cache_tags
from provisioning.resources.cache_states import LEAVING, wait_until_left
from provisioning.resources.kind import Kind
from provisioning.resources.secret import secret_value

DEFAULT_USER = "default"  # who names no user is this one
ACTIVE = "active"


def user_password(secret: str, username: str) -> str:
    """A user's password, as Ansible draws it from the same secret (`coupon_redis_passwords`). The
    secret itself, which no host has, is the default user's, as the token was."""
    if username == DEFAULT_USER:
        return secret
    return sha256(f"{secret} for {username}".encode()).hexdigest()


def all_users(cloud: Cloud) -> list[Any]:
    pages = cloud.elasticache.get_paginator("describe_users").paginate()
    return [user for page in pages for user in page["Users"]]


def _user_statuses(cloud: Cloud) -> dict[str, str]:
    return {user["UserId"]: user["Status"] for user in all_users(cloud)}


def is_in_force(cloud: Cloud, id: str) -> bool:
    """Whether the stores know of the user's last change: its groups are at work until then."""
    for user in all_users(cloud):
        if user["UserId"] == id:
            groups = _group_statuses(cloud) if user["UserGroupIds"] else {}
            at_rest = all(groups.get(group) == ACTIVE for group in user["UserGroupIds"])
            return user["Status"] == ACTIVE and at_rest
    return False


class CacheUser(Kind):
    """Passwords are never read back by AWS, so only the way of authentication is compared."""

    kind = "cache-user"
    absent = frozenset({"UserNotFound"})

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        for user in all_users(cloud):
            if user["UserId"] == DEFAULT_USER or user["Status"] in LEAVING:
                continue  # AWS' own, in every account
            if cloud.scope.owns_tags(cache_tags(cloud, user["ARN"])):
                yield self.found(
                    name=user["UserId"],
                    id=user["UserId"],
                    props={
                        "username": user["UserName"],
                        "engine": user["Engine"],
                        "access": user["AccessString"],
                        "authentication": user["Authentication"]["Type"],
                    },
                    ready=user["Status"] == ACTIVE,
                )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        p = want.props
        wait_until_left(cloud, want.name, lambda: _user_statuses(cloud))
        cloud.elasticache.create_user(
            UserId=want.name,
            UserName=p["username"],
            Engine=p["engine"],
            AccessString=p["access"],
            AuthenticationMode=_by_password(cloud, want),
            Tags=cloud.scope.tags(want.name),
        )
        return want.name

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        """A change of rights leaves the passwords as they are: two of them during a rotation."""
        request: Any = {}
        if "access" in changed:
            request["AccessString"] = want.props["access"]
        if "engine" in changed:
            request["Engine"] = want.props["engine"]
        if "authentication" in changed:
            request["AuthenticationMode"] = _by_password(cloud, want)
        cloud.elasticache.modify_user(UserId=found.id, **request)

    def is_same(self, name: str, found: Any, wanted: Any) -> bool:
        return grants_the_same(found, wanted) if name == "access" else found == wanted

    def is_ready(self, cloud: Cloud, id: str) -> bool:
        return is_in_force(cloud, id)

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("UserNotFound"):
            cloud.elasticache.delete_user(UserId=found.id)

    def is_gone(self, cloud: Cloud, found: Found) -> bool:
        return found.id not in _user_statuses(cloud)


def _by_password(cloud: Cloud, want: Want) -> Any:
    """The secret is read from SSM for this one call and not kept."""
    secret = secret_value(cloud, want.hidden["secret"])
    return {"Type": "password", "Passwords": [user_password(secret, want.props["username"])]}


class CacheUserGroup(Kind):
    kind = "cache-user-group"
    absent = frozenset({"UserGroupNotFound"})

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        for group in _groups(cloud):
            if group["Status"] in LEAVING:
                continue
            if cloud.scope.owns_tags(cache_tags(cloud, group["ARN"])):
                yield self.found(
                    name=group["UserGroupId"],
                    id=group["UserGroupId"],
                    props={"engine": group["Engine"], "users": frozenset(group["UserIds"])},
                    ready=group["Status"] == ACTIVE,
                )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        wait_until_left(cloud, want.name, lambda: _group_statuses(cloud))
        cloud.elasticache.create_user_group(
            UserGroupId=want.name,
            Engine=want.props["engine"],
            UserIds=sorted(want.props["users"]),
            Tags=cloud.scope.tags(want.name),
        )
        return want.name

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        there, wanted = found.props["users"], want.props["users"]
        request: Any = {}
        if joins := sorted(wanted - there):
            request["UserIdsToAdd"] = joins
        if leaves := sorted(there - wanted):
            request["UserIdsToRemove"] = leaves
        if "engine" in changed:
            request["Engine"] = want.props["engine"]
        if request:
            cloud.elasticache.modify_user_group(UserGroupId=found.id, **request)

    def is_ready(self, cloud: Cloud, id: str) -> bool:
        return _group_statuses(cloud).get(id) == ACTIVE

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        """AWS refuses it while a store has it; `refusals.BUSY` has it asked again."""
        with ignoring("UserGroupNotFound"):
            cloud.elasticache.delete_user_group(UserGroupId=found.id)

    def is_gone(self, cloud: Cloud, found: Found) -> bool:
        return found.id not in _group_statuses(cloud)


def _groups(cloud: Cloud) -> list[Any]:
    pages = cloud.elasticache.get_paginator("describe_user_groups").paginate()
    return [group for page in pages for group in page["UserGroups"]]


def _group_statuses(cloud: Cloud) -> dict[str, str]:
    return {group["UserGroupId"]: group["Status"] for group in _groups(cloud)}
