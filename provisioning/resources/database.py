"""RDS for MySQL: never public; its password is generated into SSM and read for one call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioning.aws import Cloud, ignoring
from provisioning.model import Found, Want
from provisioning.resources.kind import Kind
from provisioning.resources.secret import secret_value
from provisioning.tags import as_dict

AT_WORK = ("available", "backing-up", "storage-optimization")  # it serves and accepts changes


class Database(Kind):
    kind = "database"
    fixed = frozenset({"encrypted", "subnets", "schema", "user"})
    holds_data = True

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        for one in _instances(cloud):
            if one["DBInstanceStatus"] != "deleting" and cloud.scope.owns_tags(
                as_dict(one["TagList"])
            ):
                yield self._found(one)

    def _found(self, one: Any) -> Found:
        end = one.get("Endpoint", {})
        groups = [group["DBParameterGroupName"] for group in one["DBParameterGroups"]]
        return self.found(
            name=one["DBInstanceIdentifier"],
            id=one["DBInstanceIdentifier"],
            props={
                "type": one["DBInstanceClass"],
                "version": one["EngineVersion"],
                "storage_gb": one["AllocatedStorage"],
                "subnets": one["DBSubnetGroup"]["DBSubnetGroupName"],
                "groups": frozenset(g["VpcSecurityGroupId"] for g in one["VpcSecurityGroups"]),
                "multi_az": one["MultiAZ"],
                "encrypted": one["StorageEncrypted"],
                "public": one["PubliclyAccessible"],
                "backup_days": one["BackupRetentionPeriod"],
                "protected": one["DeletionProtection"],
                "insights": one.get("PerformanceInsightsEnabled", False),
                "logs": frozenset(one.get("EnabledCloudwatchLogsExports", ())),
                "user": one["MasterUsername"],
                "schema": one.get("DBName", ""),
                **({"port": end["Port"]} if "Port" in end else {}),
                **({"parameters": groups[0]} if groups else {}),
            },
            ready=one["DBInstanceStatus"] in AT_WORK,
            shows={"host": end.get("Address", ""), "port": end.get("Port", 0)},
        )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        p = want.props
        cloud.rds.create_db_instance(
            DBInstanceIdentifier=want.name,
            Engine="mysql",
            EngineVersion=p["version"],
            DBInstanceClass=p["type"],
            AllocatedStorage=p["storage_gb"],
            StorageType="gp3",
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

    def change_one(self, cloud: Cloud, found: Found, want: Want, what: frozenset[str]) -> None:
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
        asked = {k: v for name in sorted(what) for k, v in settings[name].items()}
        cloud.rds.modify_db_instance(DBInstanceIdentifier=found.id, ApplyImmediately=True, **asked)

    def is_same(self, what: str, found: Any, wanted: Any) -> bool:
        """For 8.4 AWS returns the full version that it chose: 8.4.6."""
        if what == "version":
            return f"{found}.".startswith(f"{wanted}.")
        return super().is_same(what, found, wanted)

    def is_ready(self, cloud: Cloud, id: str) -> bool:
        statuses = {d["DBInstanceIdentifier"]: d["DBInstanceStatus"] for d in _instances(cloud)}
        return statuses.get(id) in AT_WORK

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        if found.props["protected"]:
            cloud.rds.modify_db_instance(
                DBInstanceIdentifier=found.id, DeletionProtection=False, ApplyImmediately=True
            )
            cloud.wait_until(f"unprotecting {found.name}", lambda: self.is_ready(cloud, found.id))
        final = found.shows.get("final_snapshot")
        last: Any = {"FinalDBSnapshotIdentifier": final} if final else {"SkipFinalSnapshot": True}
        with ignoring("DBInstanceNotFound"):
            cloud.rds.delete_db_instance(
                DBInstanceIdentifier=found.id, DeleteAutomatedBackups=True, **last
            )

    def is_gone(self, cloud: Cloud, found: Found) -> bool:
        return found.id not in {one["DBInstanceIdentifier"] for one in _instances(cloud)}

    def price_items(self, want: Want) -> Mapping[str, float]:
        p = want.props
        copies = 2 if p["multi_az"] else 1
        extended = {"mysql80_vcpu": 2.0 * copies} if p["version"].startswith("8.0") else {}
        return {f"db/{p['type']}": copies, "db_gp3_gb": p["storage_gb"] * copies, **extended}


def _logs(found: Found, want: Want) -> dict[str, list[str]]:
    wanted, there = want.props["logs"], found.props["logs"]
    return {
        "EnableLogTypes": sorted(wanted - there),
        "DisableLogTypes": sorted(there - wanted),
    }


def _instances(cloud: Cloud) -> list[Any]:
    pages = cloud.rds.get_paginator("describe_db_instances").paginate()
    return [one for page in pages for one in page["DBInstances"]]
