"""Changes of an existing replication group."""

from __future__ import annotations

from typing import Any

from provisioning.aws import Cloud
from provisioning.model import Found, Want
from provisioning.resources.cache_access import user_group_request


def change_cache_group(cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
    """The differences of one turn: its number of members, or settings in one call."""
    if "members" in changed:
        _resize(cloud, found, want.props["members"])
    if settings := _settings(found, want, changed):
        cloud.elasticache.modify_replication_group(
            ReplicationGroupId=found.id, ApplyImmediately=True, **settings
        )


def _settings(found: Found, want: Want, changed: frozenset[str]) -> dict[str, Any]:
    p = want.props
    upgrade = {
        "Engine": p["engine"],
        "EngineVersion": p["version"],
        "CacheParameterGroupName": p["parameters"],
    }
    options: dict[str, dict[str, Any]] = {
        "engine": upgrade,
        "version": upgrade,
        "parameters": {"CacheParameterGroupName": p["parameters"]},
        "type": {"CacheNodeType": p["type"]},
        "groups": {"SecurityGroupIds": sorted(p["groups"])},
        "snapshot_days": _snapshots(found, p["snapshot_days"]),
        "snapshot_window": {"SnapshotWindow": p.get("snapshot_window", "")},
        "maintenance": {"PreferredMaintenanceWindow": p["maintenance"]},
        "auto_upgrade": {"AutoMinorVersionUpgrade": p["auto_upgrade"]},
        "access": user_group_request(found, want),
        "users": user_group_request(found, want),
        "multi_az": {"MultiAZEnabled": p["multi_az"], "AutomaticFailoverEnabled": p["multi_az"]},
    }
    names = sorted(changed & options.keys())
    return {option: value for name in names for option, value in options[name].items()}


def _snapshots(found: Found, days: int) -> dict[str, Any]:
    """Whoever switches snapshots on names the node that they are taken of."""
    begins = days and not found.props.get("snapshot_days")
    source = {"SnapshottingClusterId": f"{found.id}-001"} if begins else {}
    return {"SnapshotRetentionLimit": days, **source}


def _resize(cloud: Cloud, found: Found, members: int) -> None:
    request: Any = {"ReplicationGroupId": found.id, "NewReplicaCount": members - 1}
    if members > found.props["members"]:
        cloud.elasticache.increase_replica_count(ApplyImmediately=True, **request)
    else:
        cloud.elasticache.decrease_replica_count(ApplyImmediately=True, **request)
