"""RDS for MySQL: never public; its password is generated into SSM and read for one call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.kind import Kind
from provisioning.resources.secret import secret_value
from provisioning.tags import as_dict
from provisioning.waiting import wait_until

STORAGE = "gp3"
AT_WORK = ("available", "backing-up", "storage-optimization")  # it serves, and all is described
BROKEN = ("failed", "incompatible-restore", "incompatible-network")  # AWS takes no snapshot of it


class Database(Kind):
    kind = "database"
    absent = frozenset({"DBInstanceNotFound"})
    fixed = frozenset({"encrypted", "subnets", "schema", "user"})
    holds_data = True

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        for instance in _instances(cloud):
            if instance["DBInstanceStatus"] != "deleting" and cloud.scope.owns_tags(
                as_dict(instance["TagList"])
            ):
                yield self._found(instance)

    def _found(self, instance: Any) -> Found:
        endpoint = instance.get("Endpoint", {})
        groups = [group["DBParameterGroupName"] for group in instance["DBParameterGroups"]]
        return self.found(
            name=instance["DBInstanceIdentifier"],
            id=instance["DBInstanceIdentifier"],
            props={
                "type": instance["DBInstanceClass"],
                "version": instance["EngineVersion"],
                "storage_gb": instance["AllocatedStorage"],
                "subnets": instance["DBSubnetGroup"]["DBSubnetGroupName"],
                "groups": frozenset(g["VpcSecurityGroupId"] for g in instance["VpcSecurityGroups"]),
                "multi_az": instance["MultiAZ"],
                "encrypted": instance["StorageEncrypted"],
                "public": instance["PubliclyAccessible"],
                "backup_days": instance["BackupRetentionPeriod"],
                "protected": instance["DeletionProtection"],
                "insights": instance.get("PerformanceInsightsEnabled", False),
                "logs": frozenset(instance.get("EnabledCloudwatchLogsExports", ())),
                "user": instance["MasterUsername"],
                "schema": instance.get("DBName", ""),
                **({"port": endpoint["Port"]} if "Port" in endpoint else {}),
                **({"parameters": groups[0]} if groups else {}),
            },
            ready=instance["DBInstanceStatus"] in AT_WORK,
            more={"status": instance["DBInstanceStatus"]},
            shows={"host": endpoint.get("Address", ""), "port": endpoint.get("Port", 0)},
        )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        p = want.props
        wait_until(
            cloud, f"removing the old {want.name}", lambda: not _is_leaving(cloud, want.name)
        )
        cloud.rds.create_db_instance(
            DBInstanceIdentifier=want.name,
            Engine="mysql",
            EngineVersion=p["version"],
            DBInstanceClass=p["type"],
            AllocatedStorage=p["storage_gb"],
            StorageType=STORAGE,
            StorageEncrypted=p["encrypted"],
            DBName=p["schema"],
            Port=p["port"],
            MasterUsername=p["user"],
            MasterUserPassword=secret_value(cloud, want.hidden["password"]),
            DBSubnetGroupName=p["subnets"],
            VpcSecurityGroupIds=sorted(p["groups"]),
            MultiAZ=p["multi_az"],
            PubliclyAccessible=p["public"],
            BackupRetentionPeriod=p["backup_days"],
            DeletionProtection=p["protected"],
            EnablePerformanceInsights=p["insights"],
            CopyTagsToSnapshot=True,
            AutoMinorVersionUpgrade=False,  # minor versions change only by the spec
            EnableCloudwatchLogsExports=sorted(p["logs"]),
            Tags=cloud.scope.tags(want.name),
            **({"DBParameterGroupName": p["parameters"]} if "parameters" in p else {}),
        )
        return want.name

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        p = want.props
        settings: dict[str, Any] = {
            "type": {"DBInstanceClass": p["type"]},
            "version": {"EngineVersion": p["version"], "AllowMajorVersionUpgrade": True},
            "storage_gb": {"AllocatedStorage": p["storage_gb"]},
            "groups": {"VpcSecurityGroupIds": sorted(p["groups"])},
            "multi_az": {"MultiAZ": p["multi_az"]},
            "public": {"PubliclyAccessible": p["public"]},
            "backup_days": {"BackupRetentionPeriod": p["backup_days"]},
            "protected": {"DeletionProtection": p["protected"]},
            "insights": {"EnablePerformanceInsights": p["insights"]},
            "logs": {"CloudwatchLogsExportConfiguration": _logs(found, want)},
            "port": {"DBPortNumber": p["port"]},
            "parameters": {"DBParameterGroupName": p.get("parameters", "")},
        }
        changes = {k: v for name in sorted(changed) for k, v in settings[name].items()}
        cloud.rds.modify_db_instance(
            DBInstanceIdentifier=found.id, ApplyImmediately=True, **changes
        )

    def is_same(self, name: str, found: Any, wanted: Any) -> bool:
        """For 8.4 AWS returns the full version that it chose: 8.4.6."""
        if name == "version":
            return f"{found}.".startswith(f"{wanted}.")
        return super().is_same(name, found, wanted)

    def is_ready(self, cloud: Cloud, id: str) -> bool:
        return _statuses(cloud).get(id) in AT_WORK

    def delete_one(self, cloud: Cloud, found: Found) -> None:
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
        return found.id not in _statuses(cloud)

    def price_items(self, want: Want) -> Mapping[str, float]:
        p = want.props
        copies = 2 if p["multi_az"] else 1
        extended = {"mysql80_vcpu": 2.0 * copies} if p["version"].startswith("8.0") else {}
        return {f"db/{p['type']}": copies, "db_gp3_gb": p["storage_gb"] * copies, **extended}


def _statuses(cloud: Cloud) -> dict[str, str]:
    return {d["DBInstanceIdentifier"]: d["DBInstanceStatus"] for d in _instances(cloud)}


def _is_leaving(cloud: Cloud, name: str) -> bool:
    return _statuses(cloud).get(name) == "deleting"


def _logs(found: Found, want: Want) -> dict[str, list[str]]:
    wanted, enabled = want.props["logs"], found.props["logs"]
    return {
        "EnableLogTypes": sorted(wanted - enabled),
        "DisableLogTypes": sorted(enabled - wanted),
    }


def _instances(cloud: Cloud) -> list[Any]:
    pages = cloud.rds.get_paginator("describe_db_instances").paginate()
    return [instance for page in pages for instance in page["DBInstances"]]
