"""Users and user groups of the test cloud's ElastiCache: moto has users without rights to change,
and no groups. Both are at work for some answers after each call, as stores are."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.elasticache.exceptions import ElastiCacheException

from tests.provisioning.elasticache_records import (
    Record,
    Store,
    asked_of,
    demand_new,
    existing_record,
    store_of,
    tagged_arn,
)
from tests.provisioning.elasticache_user_refusals import (
    demand_access_string,
    demand_members,
    demand_no_store,
    demand_passwords,
)
from tests.provisioning.store_states import ANSWERS

USER_BUSY, GROUP_BUSY = "InvalidUserState", "InvalidUserGroupState"
USER_ABSENT, GROUP_ABSENT = "UserNotFound", "UserGroupNotFound"
BUILT_IN = {
    "UserId": "default", "UserName": "default", "Status": "active", "Engine": "redis",
    "AccessString": "on ~* +@all", "Authentication": {"Type": "no-password"}, "UserGroupIds": [],
    "ARN": "arn:aws:elasticache:ap-northeast-2:123456789012:user:default",
}  # fmt: skip


class UserAnswers:
    """The operations, as functions of moto's response object (whose methods they become)."""

    def create_user(self: Any) -> ActionResult:
        asked, store = asked_of(self), store_of(self)
        name = asked["UserId"].lower()
        demand_new(store.users, name, "UserAlreadyExists")
        user = {
            "UserId": name,
            "UserName": asked["UserName"],
            "Engine": asked["Engine"],
            "AccessString": described_access(asked["AccessString"]),
            "ARN": tagged_arn(self, store, "user", name, asked),
        }
        _set_authentication(user, asked)
        store.users[name] = user
        _begin(user, "modifying")
        return ActionResult(_described(store, user))

    def describe_users(self: Any) -> ActionResult:
        store = store_of(self)
        _pass_time(store.users)
        users = [_described(store, user) for user in store.users.values()]
        return ActionResult({"Users": [BUILT_IN, *users]})

    def modify_user(self: Any) -> ActionResult:
        asked, store = asked_of(self), store_of(self)
        user = existing_record(store.users, asked["UserId"], USER_ABSENT)
        _demand_active(user, USER_BUSY)
        if "AccessString" in asked:
            user["AccessString"] = described_access(asked["AccessString"])
        user["Engine"] = asked.get("Engine", user["Engine"])
        if {"Passwords", "AuthenticationMode", "NoPasswordRequired"} & asked.keys():
            _set_authentication(user, asked)
        _begin(user, "modifying")
        for group in _groups_with(store, user["UserId"]):
            _begin(group, "modifying")
        return ActionResult(_described(store, user))

    def delete_user(self: Any) -> ActionResult:
        asked, store = asked_of(self), store_of(self)
        user = existing_record(store.users, asked["UserId"], USER_ABSENT)
        groups = _groups_with(store, user["UserId"])
        if groups and user["UserName"] == "default":
            raise ElastiCacheException(
                "DefaultUserAssociatedToUserGroup", "The default user is in a user group."
            )
        _demand_active(user, USER_BUSY)
        for group in groups:
            group["UserIds"].remove(user["UserId"])
        _begin(user, "deleting")
        return ActionResult(_described(store, user))

    def create_user_group(self: Any) -> ActionResult:
        asked, store = asked_of(self), store_of(self)
        name = asked["UserGroupId"].lower()
        demand_new(store.user_groups, name, "UserGroupAlreadyExists")
        demand_members(store, asked["Engine"], asked["UserIds"])
        store.user_groups[name] = {
            "UserGroupId": name,
            "Engine": asked["Engine"],
            "UserIds": list(asked["UserIds"]),
            "ARN": tagged_arn(self, store, "usergroup", name, asked),
        }
        _begin(store.user_groups[name], "creating")
        return ActionResult(store.user_groups[name])

    def describe_user_groups(self: Any) -> ActionResult:
        store = store_of(self)
        _pass_time(store.user_groups)
        return ActionResult({"UserGroups": list(store.user_groups.values())})

    def modify_user_group(self: Any) -> ActionResult:
        asked, store = asked_of(self), store_of(self)
        group = existing_record(store.user_groups, asked["UserGroupId"], GROUP_ABSENT)
        _demand_active(group, GROUP_BUSY)
        leaving = set(asked.get("UserIdsToRemove", ()))
        members = [id for id in group["UserIds"] if id not in leaving]
        members += asked.get("UserIdsToAdd", ())
        engine = str(asked.get("Engine", group["Engine"]))
        demand_members(store, engine, members)
        group["UserIds"], group["Engine"] = members, engine
        _begin(group, "modifying")
        return ActionResult(group)

    def delete_user_group(self: Any) -> ActionResult:
        asked, store = asked_of(self), store_of(self)
        group = existing_record(store.user_groups, asked["UserGroupId"], GROUP_ABSENT)
        demand_no_store(store, group["UserGroupId"])
        _demand_active(group, GROUP_BUSY)
        _begin(group, "deleting")
        return ActionResult(group)


def described_access(access: str) -> str:
    """As AWS describes it: it puts `-@all` before the first right, unless it stands there."""
    demand_access_string(access)
    rules = access.split()
    first = next((i for i, rule in enumerate(rules) if rule[0] in "+-"), len(rules))
    if first == len(rules) or rules[first] != "-@all":
        rules.insert(first, "-@all")
    return " ".join(rules)


def _set_authentication(user: Record, asked: Record) -> None:
    mode = asked.get("AuthenticationMode", {})
    passwords = mode.get("Passwords", asked.get("Passwords", []))
    if mode.get("Type") == "no-password-required" or asked.get("NoPasswordRequired"):
        user["passwords"], user["Authentication"] = [], {"Type": "no-password"}
        return
    demand_passwords(passwords)
    user["passwords"] = list(passwords)
    user["Authentication"] = {"Type": "password", "PasswordCount": len(passwords)}


def _described(store: Store, user: Record) -> Record:
    groups = [group["UserGroupId"] for group in _groups_with(store, user["UserId"])]
    return {key: value for key, value in user.items() if key != "passwords"} | {
        "UserGroupIds": groups
    }


def _groups_with(store: Store, user: str) -> list[Record]:
    return [group for group in store.user_groups.values() if user in group["UserIds"]]


def _begin(record: Record, status: str) -> None:
    record["Status"], record["left"] = status, ANSWERS


def _pass_time(records: dict[str, Record]) -> None:
    for name, record in list(records.items()):
        record["left"] -= 1
        if record["left"] < 0 and record["Status"] == "deleting":
            del records[name]
        elif record["left"] < 0:
            record["Status"] = "active"


def _demand_active(record: Record, error: str) -> None:
    """A refusal is an answer, too."""
    if record["Status"] != "active":
        _pass_time({"": record})
        raise ElastiCacheException(error, f"It is {record['Status']}, not active.")
