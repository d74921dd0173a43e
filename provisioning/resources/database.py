"""RDS for MySQL: never public; its password is generated into SSM and read for one call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Props, Want
from provisioning.resources.database_change import (
    change_database,
    is_disk_as_wanted,
    is_limit_as_wanted,
    start_database,
)
from provisioning.resources.database_states import (
    AT_WORK,
    BROKEN,
    READY,
    STOPPED,
    database_instances,
    database_statuses,
)
from provisioning.resources.kind import Kind
from provisioning.resources.secret import secret_value
from provisioning.resources.verdicts import is_version
from provisioning.tags import as_dict
from provisioning.waiting import wait_until

STORAGE = "gp3"
RESTORED_FROM = "RestoredFrom"  # a tag: the snapshot that a database was made from


class Database(Kind):
    kind = "database"
    absent = frozenset({"DBInstanceNotFound"})
    late = frozenset({"running"})
    born = {"running": True}
    holds_data = True

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        for instance in database_instances(cloud):
            if instance["DBInstanceStatus"] != "deleting" and cloud.scope.owns_tags(
                as_dict(instance["TagList"])
            ):
                yield self._found(instance)

    def _found(self, instance: Any) -> Found:
        endpoint = instance.get("Endpoint", {})
        return self.found(
            name=instance["DBInstanceIdentifier"],
            id=instance["DBInstanceIdentifier"],
            props={
                "type": instance["DBInstanceClass"],
                "version": instance["EngineVersion"],
                "storage_gb": instance["AllocatedStorage"],
                "max_storage_gb": instance.get("MaxAllocatedStorage", 0),
                "subnets": instance["DBSubnetGroup"]["DBSubnetGroupName"],
                "groups": frozenset(g["VpcSecurityGroupId"] for g in instance["VpcSecurityGroups"]),
                "multi_az": instance["MultiAZ"],
                "encrypted": instance["StorageEncrypted"],
                "public": instance["PubliclyAccessible"],
                "backup_days": instance["BackupRetentionPeriod"],
                "backup_window": instance["PreferredBackupWindow"],
                "maintenance": instance["PreferredMaintenanceWindow"].lower(),
                "auto_upgrade": instance["AutoMinorVersionUpgrade"],
                "protected": instance["DeletionProtection"],
                "insights": instance.get("PerformanceInsightsEnabled", False),
                "logs": frozenset(instance.get("EnabledCloudwatchLogsExports", ())),
                "user": instance["MasterUsername"],
                "schema": instance.get("DBName", ""),
                "running": instance["DBInstanceStatus"] not in STOPPED,
                **({"port": endpoint["Port"]} if "Port" in endpoint else {}),
                **_parameters(instance),
            },
            ready=instance["DBInstanceStatus"] in READY,
            more={
                "status": instance["DBInstanceStatus"],
                RESTORED_FROM: as_dict(instance["TagList"]).get(RESTORED_FROM, ""),
            },
            shows={"host": endpoint.get("Address", ""), "port": endpoint.get("Port", 0)},
        )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        wait_until(
            cloud, f"removing the old {want.name}", lambda: not _is_leaving(cloud, want.name)
        )
        if "snapshot" in want.hidden:
            self._restore_one(cloud, want)
        else:
            self._create_empty(cloud, want)
        return want.name

    def _create_empty(self, cloud: Cloud, want: Want) -> None:
        p = want.props
        cloud.rds.create_db_instance(
            Engine="mysql",
            EngineVersion=p["version"],
            StorageEncrypted=p["encrypted"],
            DBName=p["schema"],
            MasterUsername=p["user"],
            MasterUserPassword=secret_value(cloud, want.hidden["password"]),
            EnablePerformanceInsights=p["insights"],
            PreferredMaintenanceWindow=p["maintenance"],
            Tags=cloud.scope.tags(want.name),
            **({"MaxAllocatedStorage": p["max_storage_gb"]} if p["max_storage_gb"] else {}),
            **_common(want),
        )

    def _restore_one(self, cloud: Cloud, want: Want) -> None:
        """Rows, schema, users and their passwords come from the snapshot. AWS takes no password,
        insights, maintenance window or limit of storage here: `set_password` and the next plan set
        them."""
        snapshot = want.hidden["snapshot"]
        cloud.rds.restore_db_instance_from_db_snapshot(
            DBSnapshotIdentifier=snapshot,
            Engine="mysql",
            Tags=cloud.scope.tags(want.name, **{RESTORED_FROM: snapshot}),
            **_common(want),
        )

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        change_database(cloud, found, want, changed)

    def is_same(self, name: str, found: Any, wanted: Any) -> bool:
        """For 8.4 AWS returns the full version that it chose: 8.4.6."""
        return (
            is_version(found, wanted) if name == "version" else super().is_same(name, found, wanted)
        )

    def is_as_wanted(self, name: str, found: Props, wanted: Props) -> bool:
        if name == "storage_gb":
            return is_disk_as_wanted(found, wanted)
        if name == "max_storage_gb":
            return is_limit_as_wanted(found, wanted)
        return super().is_as_wanted(name, found, wanted)

    def is_ready(self, cloud: Cloud, id: str) -> bool:
        return database_statuses(cloud).get(id) in READY

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        if not found.props["running"]:
            start_database(cloud, found)
        if found.props["protected"]:
            cloud.rds.modify_db_instance(
                DBInstanceIdentifier=found.id, DeletionProtection=False, ApplyImmediately=True
            )
            wait_until(cloud, f"unprotecting {found.name}", lambda: self.is_ready(cloud, found.id))
        broken = found.more["status"] in BROKEN
        final = None if broken else found.shows.get("final_snapshot")
        snapshot_options: Any = (
            {"FinalDBSnapshotIdentifier": final} if final else {"SkipFinalSnapshot": True}
        )
        with ignoring("DBInstanceNotFound"):
            cloud.rds.delete_db_instance(
                DBInstanceIdentifier=found.id, DeleteAutomatedBackups=True, **snapshot_options
            )

    def is_gone(self, cloud: Cloud, found: Found) -> bool:
        return found.id not in database_statuses(cloud)

    def price_items(self, want: Want) -> Mapping[str, float]:
        p = want.props
        copies = 2 if p["multi_az"] else 1
        extended = {"mysql80_vcpu": 2.0 * copies} if p["version"].startswith("8.0") else {}
        disk = {"db_gp3_gb": p["storage_gb"] * copies}
        return {f"db/{p['type']}": copies, **disk, **extended} if p["running"] else disk


def _parameters(instance: Any) -> dict[str, Any]:
    """A group that was exchanged is in force after a restart only."""
    groups = instance["DBParameterGroups"]
    waiting = [group for group in groups if group["ParameterApplyStatus"] == "pending-reboot"]
    named = {"parameters": groups[0]["DBParameterGroupName"]} if groups else {}
    return {**named, "in_force": not waiting}


def _common(want: Want) -> Any:
    """What a new database and a restored one are told alike."""
    p = want.props
    return {
        "DBInstanceIdentifier": want.name,
        "DBInstanceClass": p["type"],
        "AllocatedStorage": p["storage_gb"],
        "StorageType": STORAGE,
        "Port": p["port"],
        "DBSubnetGroupName": p["subnets"],
        "VpcSecurityGroupIds": sorted(p["groups"]),
        "MultiAZ": p["multi_az"],
        "PubliclyAccessible": p["public"],
        "BackupRetentionPeriod": p["backup_days"],
        "PreferredBackupWindow": p["backup_window"],
        "DeletionProtection": p["protected"],
        "CopyTagsToSnapshot": True,
        "AutoMinorVersionUpgrade": p["auto_upgrade"],
        "EnableCloudwatchLogsExports": sorted(p["logs"]),
        **({"DBParameterGroupName": p["parameters"]} if "parameters" in p else {}),
    }


def set_password(cloud: Cloud, name: str, secret: str) -> None:
    """Gives the administrator the password at this path of SSM, and waits until AWS has done it."""
    cloud.rds.modify_db_instance(
        DBInstanceIdentifier=name,
        MasterUserPassword=secret_value(cloud, secret),
        ApplyImmediately=True,
    )
    wait_until(cloud, f"changing {name}", lambda: database_statuses(cloud).get(name) in AT_WORK)


def _is_leaving(cloud: Cloud, name: str) -> bool:
    return database_statuses(cloud).get(name) == "deleting"
