"""What ElastiCache refuses of a change: a wrong order, a way back, windows that overlap."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from moto.elasticache.exceptions import ElastiCacheException

from tests.provisioning.elasticache_records import Record, Store, value_after

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY, WEEK = 24 * 60, 7 * 24 * 60  # minutes
ORDER = ("redis", "valkey")  # an engine is exchanged for a later one only
SHORTEST_WINDOW = 60  # minutes


def full_version(asked: str) -> str:
    """AWS chooses the patch release, and describes it: 7.1 becomes 7.1.0."""
    return asked if asked.count(".") > 1 else f"{asked}.0"


def version_order(engine: str, version: str) -> tuple[int, ...]:
    return (ORDER.index(engine), *(int(part) for part in version.split(".")[:2]))


def demand_replica(members: int, *, failover: bool, taking_away: bool) -> None:
    """Automatic failover and Multi-AZ need a replica: before they are switched on, and until they
    are switched off."""
    if failover and members < 2:
        if taking_away:
            raise ElastiCacheException(
                "InvalidParameterValue",
                "Must have at least 1 replica when cluster mode is disabled with auto failover"
                " enabled.",
            )
        raise ElastiCacheException(
            "InvalidParameterCombination",
            "Replication group must have at least one read replica to enable autofailover.",
        )


def demand_upgrade(store: Store, node: Record, asked: Record) -> None:
    """A later version only, and with a parameter group of its family in the same call."""
    engine = value_after(node, asked, "Engine")
    version = full_version(value_after(node, asked, "EngineVersion"))
    there = version_order(node["Engine"], node["EngineVersion"])
    if version_order(engine, version) < there:
        raise ElastiCacheException(
            "InvalidParameterValue", "Downgrading the engine version is not supported."
        )
    parameters = str(asked.get("CacheParameterGroupName") or node["parameters"])
    if parameters.startswith("default."):
        return
    family = f"{engine}{version.partition('.')[0]}"
    if store.parameters[parameters]["CacheParameterGroupFamily"] != family:
        raise ElastiCacheException(
            "InvalidParameterCombination", f"{parameters} is not of the family {family}."
        )


def demand_snapshot_source(record: Record, asked: Record) -> None:
    """Daily snapshots are switched on with the node that they are taken of."""
    begins = not record["SnapshotRetentionLimit"] and int(asked.get("SnapshotRetentionLimit", 0))
    if begins and asked.get("SnapshottingClusterId") not in record["MemberClusters"]:
        raise ElastiCacheException(
            "InvalidParameterCombination", "Snapshotting needs a cluster to take snapshots of."
        )


def demand_token_order(record: Record, asked: Record) -> None:
    """SET, which ends the earlier token, comes after ROTATE, which lets both in."""
    strategy = asked.get("AuthTokenUpdateStrategy", "ROTATE")
    if strategy == "SET" and not record["rotated"]:
        raise ElastiCacheException(
            "InvalidParameterCombination", "SET is allowed only after ROTATE."
        )
    record["rotated"] = strategy == "ROTATE"
    record["AuthTokenLastModifiedDate"] = datetime.now(UTC)


def demand_windows(maintenance: str, snapshot: str) -> None:
    week = _minutes(r"(\w{3}):(\d\d):(\d\d)-(\w{3}):(\d\d):(\d\d)", maintenance)
    begin, end = week[0] * DAY + week[1], week[2] * DAY + week[3]
    busy = {minute % WEEK for minute in range(begin, end if end > begin else end + WEEK)}
    if len(busy) < SHORTEST_WINDOW:
        raise ElastiCacheException("InvalidParameterValue", f"{maintenance} is too short.")
    if not snapshot:
        return
    _, first, _, last = _minutes(r"()(\d\d):(\d\d)-()(\d\d):(\d\d)", snapshot)
    daily = range(first, last if last > first else last + DAY)
    if len(daily) < SHORTEST_WINDOW:
        raise ElastiCacheException("InvalidParameterValue", f"{snapshot} is too short.")
    if busy & {(day * DAY + minute) % WEEK for day in range(7) for minute in daily}:
        raise ElastiCacheException(
            "InvalidParameterValue", "The snapshot window and maintenance window must not overlap."
        )


def _minutes(form: str, window: str) -> tuple[int, int, int, int]:
    """(day, minute of the day) of its begin and end."""
    found = re.fullmatch(form, window)
    if not found:
        raise ElastiCacheException("InvalidParameterValue", f"{window} is no window.")
    one, hour, minute, other, hours, minutes = found.groups()
    days = [DAYS.index(day) if day else 0 for day in (one, other)]
    return days[0], int(hour) * 60 + int(minute), days[1], int(hours) * 60 + int(minutes)
