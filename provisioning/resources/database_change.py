"""Changes of an existing database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioning.aws import Cloud
from provisioning.errors import ProvisioningError
from provisioning.model import Found, Want
from provisioning.resources.database_states import AT_WORK, database_statuses
from provisioning.waiting import wait_until

LEAST_GROWTH = 1.1  # AWS rounds a smaller growth of a disk up to it


def change_database(cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
    """The differences of one turn, in one call. A stopped database refuses all others, so starting
    it is the first turn, and stopping it the last."""
    if not (found.props["running"] or want.props["running"]):
        raise ProvisioningError(
            f"{found.key} is stopped, and AWS changes no stopped database.",
            todo="Run wake, which makes the change, and sleep again.",
        )
    if "running" in changed:
        _start_or_stop(cloud, found, starts=want.props["running"])
    changes = _changes(found, want, changed - {"running"})
    if changes:
        cloud.rds.modify_db_instance(
            DBInstanceIdentifier=found.id, ApplyImmediately=True, **changes
        )
    if _needs_restart(changed):
        ready = f"changing {found.name}"
        wait_until(cloud, ready, lambda: _status(cloud, found) in AT_WORK)
        cloud.rds.reboot_db_instance(DBInstanceIdentifier=found.id)


def _changes(found: Found, want: Want, changed: frozenset[str]) -> dict[str, Any]:
    """The options of ModifyDBInstance that make these differences go."""
    if not changed:
        return {}  # a database that was just made, of which nothing else is known yet
    options = _options(found, want)
    return {
        option: value
        for name in sorted(changed & options.keys())
        for option, value in options[name].items()
    }


def _start_or_stop(cloud: Cloud, found: Found, *, starts: bool) -> None:
    if starts:
        start_database(cloud, found)
        return
    cloud.rds.stop_db_instance(DBInstanceIdentifier=found.id)
    wait_until(cloud, f"stopping {found.name}", lambda: _status(cloud, found) == "stopped")


def start_database(cloud: Cloud, found: Found) -> None:
    """Also one that is just being stopped."""
    name = f"starting {found.name}"
    wait_until(cloud, name, lambda: _status(cloud, found) != "stopping")
    if _status(cloud, found) == "stopped":
        cloud.rds.start_db_instance(DBInstanceIdentifier=found.id)
    wait_until(cloud, name, lambda: _status(cloud, found) in AT_WORK)


def _status(cloud: Cloud, found: Found) -> str:
    return database_statuses(cloud).get(found.id, "")


def _needs_restart(changed: frozenset[str]) -> bool:
    """Parameters of another group are in force after a restart, which an upgrade includes."""
    return "in_force" in changed or ("parameters" in changed and "version" not in changed)


def _options(found: Found, want: Want) -> dict[str, dict[str, Any]]:
    p = want.props
    return {
        "type": {"DBInstanceClass": p["type"]},
        "version": {"EngineVersion": p["version"], "AllowMajorVersionUpgrade": True},
        "storage_gb": {"AllocatedStorage": p["storage_gb"]},
        "max_storage_gb": {"MaxAllocatedStorage": _limit(found, want)},
        "groups": {"VpcSecurityGroupIds": sorted(p["groups"])},
        "multi_az": {"MultiAZ": p["multi_az"]},
        "public": {"PubliclyAccessible": p["public"]},
        "backup_days": {"BackupRetentionPeriod": p["backup_days"]},
        "backup_window": {"PreferredBackupWindow": p["backup_window"]},
        "maintenance": {"PreferredMaintenanceWindow": p["maintenance"]},
        "auto_upgrade": {"AutoMinorVersionUpgrade": p["auto_upgrade"]},
        "protected": {"DeletionProtection": p["protected"]},
        "insights": {"EnablePerformanceInsights": p["insights"]},
        "logs": {"CloudwatchLogsExportConfiguration": _logs(found, want)},
        "port": {"DBPortNumber": p["port"]},
        "parameters": {"DBParameterGroupName": p.get("parameters", "")},
    }


def _limit(found: Found, want: Want) -> int:
    """Storage autoscaling is switched off by a limit that is the disk's size."""
    there = max(found.props["storage_gb"], want.props["storage_gb"])
    return int(want.props["max_storage_gb"] or there)


def _logs(found: Found, want: Want) -> dict[str, list[str]]:
    wanted, enabled = want.props["logs"], found.props["logs"]
    return {
        "EnableLogTypes": sorted(wanted - enabled),
        "DisableLogTypes": sorted(enabled - wanted),
    }


def is_disk_as_wanted(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """As large as wanted, or as it has grown since: by itself up to its limit, or because AWS grows
    a disk by a tenth at least."""
    least = wanted["storage_gb"]
    most = max(wanted["max_storage_gb"], int(least * LEAST_GROWTH + 0.999))
    return bool(least <= found["storage_gb"] <= most)


def is_limit_as_wanted(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """AWS describes no limit of a disk that has reached it."""
    limit = wanted["max_storage_gb"]
    reached = 0 < limit <= found["storage_gb"]
    return bool(found["max_storage_gb"] == limit or (reached and not found["max_storage_gb"]))
