"""What ElastiCache refuses of users and their groups, and of stores that have a group or a token.
From its API reference and its pages on RBAC; not from our own tables."""

from __future__ import annotations

import re
from collections.abc import Iterable

from moto.elasticache.exceptions import ElastiCacheException

from tests.provisioning.elasticache_records import Record, Store, existing_record

REFUSED_COMMANDS = re.compile(
    r"[+-](config|debug|migrate|psync|replicaof|save|shutdown|slaveof|sync|bgsave|bgrewriteaof"
    r"|acl\|(setuser|deluser|load|save))(\|.*)?"
)
PASSWORD_RULES = re.compile(r"[><#!].*|nopass|resetpass|reset")
RULE = re.compile(r"~\S+|%(R|W|RW)~\S+|&\S+|[+-]@?[a-z0-9_|-]+|resetkeys|resetchannels")


def _refuse(error: str, because: str) -> None:
    raise ElastiCacheException(error, because)


def demand_access_string(access: str) -> None:
    state, *rules = access.split()
    if state not in ("on", "off"):
        _refuse("InvalidParameterValue", "An access string begins with on or off.")
    for rule in rules:
        if PASSWORD_RULES.fullmatch(rule):
            _refuse("InvalidParameterValue", "Passwords are no part of an access string.")
        if REFUSED_COMMANDS.fullmatch(rule) or not RULE.fullmatch(rule):
            _refuse("InvalidParameterValue", f"{rule} is no rule that can be used.")


def demand_passwords(passwords: list[str]) -> None:
    if not 1 <= len(passwords) <= 2:
        _refuse("InvalidParameterCombination", "A user has one password or two.")
    if not all(16 <= len(password) <= 128 for password in passwords):
        _refuse("InvalidParameterValue", "A password has 16 to 128 characters.")


def demand_members(store: Store, engine: str, members: Iterable[str]) -> None:
    users = [existing_record(store.users, id, "UserNotFound") for id in members]
    names = [user["UserName"] for user in users]
    if len(names) != len(set(names)):
        _refuse("DuplicateUserName", "Two users of a group have one name.")
    if engine == "redis" and "default" not in names:
        _refuse("DefaultUserRequired", "A group needs a user with the name default.")


def demand_no_store(store: Store, group: str) -> None:
    users = [one for one in store.groups.values() if group in one["UserGroupIds"]]
    if users:
        used_by = users[0]["ReplicationGroupId"]
        _refuse("InvalidUserGroupState", f"{group} is used by {used_by}.")


def demand_one_way_in(store: Store, asked: Record) -> None:
    """Of a new replication group: a token or users, and both with TLS only."""
    groups = asked.get("UserGroupIds", [])
    if groups and asked.get("AuthToken"):
        _refuse("InvalidParameterCombination", "A token and user groups exclude each other.")
    if groups and not asked.get("TransitEncryptionEnabled"):
        _refuse("InvalidParameterCombination", "User groups need TLS.")
    _demand_groups(store, groups)


def change_way_in(store: Store, record: Record, asked: Record) -> None:
    """Users take a token's place with DELETE only, and DELETE with users only."""
    joins, leaves = asked.get("UserGroupIdsToAdd", []), asked.get("UserGroupIdsToRemove", [])
    ends_token = asked.get("AuthTokenUpdateStrategy") == "DELETE"
    if ends_token and not (joins and record["AuthTokenEnabled"]):
        _refuse("InvalidParameterCombination", "DELETE is for the change to user groups.")
    if joins and record["AuthTokenEnabled"] and not ends_token:
        _refuse("InvalidParameterCombination", "A token and user groups exclude each other.")
    if asked.get("AuthToken") and (joins or record["UserGroupIds"]):
        _refuse("InvalidParameterCombination", "A token and user groups exclude each other.")
    _demand_groups(store, joins)
    record["UserGroupIds"] = [id for id in record["UserGroupIds"] if id not in leaves] + joins
    if len(record["UserGroupIds"]) > 1:
        _refuse("InvalidParameterCombination", "A replication group has one user group.")
    record["AuthTokenEnabled"] &= not ends_token


def _demand_groups(store: Store, groups: Iterable[str]) -> None:
    for id in groups:
        group = existing_record(store.user_groups, id, "UserGroupNotFound")
        if group["Status"] != "active":
            _refuse("InvalidUserGroupState", f"{id} is {group['Status']}.")
