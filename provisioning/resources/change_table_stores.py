"""The stores' part of the change table: AWS works on a store for minutes after each call, and
refuses what comes in the wrong order."""

from __future__ import annotations

from collections.abc import Mapping

from provisioning.resources.verdicts import (
    IN_PLACE,
    REPLACED,
    Rule,
    Verdict,
    judge_growth,
    judge_version,
    refused_because,
    turn_number,
)

# The turns.
START, SETTINGS, ACCESS, MORE, FAILOVER, FEWER, SIZE, UPGRADE, AFTER, RESTART, STOP = range(11)

ENGINES = ("redis", "valkey")  # ElastiCache exchanges an engine for a later one only
NO_WAY_BACK = (
    "can't become redis again: ElastiCache goes from redis to valkey only; write valkey in the "
    "spec, or make a new cache under another name"
)


def judge_engine(found: str, wanted: str) -> Verdict:
    if ENGINES.index(wanted) > ENGINES.index(found):
        return turn_number(UPGRADE)
    return refused_because(NO_WAY_BACK)


def judge_access(found: str, wanted: str) -> Verdict:
    """Hosts that have the token alone must go on until they have their users."""
    if "open" in (found, wanted) and wanted not in ("users", "both"):
        return REPLACED  # and its encryption differs
    if wanted == "token":
        return refused_because(
            "can't be a token again: AWS takes one only when it makes the cache; write users in "
            "the spec, or make a new cache under another name"
        )
    if found == "token" and wanted == "users":
        return refused_because(
            "can't go from token to users at once, or hosts that have the token alone would be "
            'locked out: write access = "both", apply, run inventory and site.yml, then write '
            '"users" and apply'
        )
    return turn_number(ACCESS)


def judge_members(found: int, wanted: int) -> Verdict:
    """Automatic failover needs a replica: the first comes before it is switched on, the last goes
    after it was switched off."""
    return turn_number(MORE if wanted > found else FEWER)


def judge_running(found: bool, wanted: bool) -> Verdict:
    """AWS changes no stopped database: it is started before all else, and stopped after it."""
    return turn_number(START if wanted else STOP)


def judge_insights(found: bool, wanted: bool) -> Verdict:
    """Small classes have none: off before the class changes, on after it."""
    return turn_number(AFTER if wanted else SETTINGS)


STORES: Mapping[str, Mapping[str, Rule]] = {
    "cache-subnets": {"subnets": IN_PLACE},
    "cache-parameters": {"family": REPLACED, "values": IN_PLACE},
    "cache-user": {
        "username": REPLACED,
        "engine": IN_PLACE,
        "access": IN_PLACE,
        "authentication": IN_PLACE,
    },
    "cache-user-group": {"engine": IN_PLACE, "users": IN_PLACE},
    "cache-node": {
        "engine": REPLACED,
        "version": judge_version(UPGRADE),
        "type": turn_number(SIZE),
        "port": REPLACED,
        "subnets": REPLACED,
        "groups": IN_PLACE,
        "maintenance": IN_PLACE,
        "auto_upgrade": IN_PLACE,
    },
    "cache-group": {
        "engine": judge_engine,
        "version": judge_version(UPGRADE),
        "parameters": turn_number(UPGRADE),  # of the new family, in the call of the new version
        "type": turn_number(SIZE),
        "members": judge_members,
        "multi_az": turn_number(FAILOVER),
        "port": REPLACED,
        "subnets": REPLACED,
        "encrypted_at_rest": REPLACED,
        "encrypted_in_transit": REPLACED,
        "access": judge_access,
        "users": turn_number(ACCESS),  # in a call of its own
        "groups": IN_PLACE,
        "snapshot_days": IN_PLACE,
        "snapshot_window": IN_PLACE,
        "maintenance": IN_PLACE,
        "auto_upgrade": IN_PLACE,
    },
    "db-subnets": {"subnets": IN_PLACE},
    "db-parameters": {"family": REPLACED, "values": IN_PLACE},
    "database": {
        "running": judge_running,
        "version": judge_version(UPGRADE),
        "parameters": turn_number(UPGRADE),  # of the new family, in the call of the new version
        "in_force": turn_number(RESTART),  # parameters of another group, after a restart
        "type": turn_number(SIZE),
        "insights": judge_insights,
        "storage_gb": judge_growth(SETTINGS, "GB"),
        "max_storage_gb": IN_PLACE,
        "encrypted": REPLACED,
        "subnets": REPLACED,
        "schema": REPLACED,
        "user": REPLACED,
        "port": IN_PLACE,
        "groups": IN_PLACE,
        "multi_az": IN_PLACE,
        "public": IN_PLACE,
        "backup_days": IN_PLACE,
        "backup_window": IN_PLACE,
        "maintenance": IN_PLACE,
        "auto_upgrade": IN_PLACE,
        "protected": IN_PLACE,
        "logs": IN_PLACE,
    },
}
