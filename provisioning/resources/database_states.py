"""RDS' descriptions of database instances."""

from __future__ import annotations

from typing import Any

from provisioning.aws import Cloud

AT_WORK = ("available", "backing-up", "storage-optimization")  # it serves, and all is described
STOPPED = ("stopping", "stopped")
READY = (*AT_WORK, "stopped")  # all is described; a stopped one can be started
BROKEN = ("failed", "incompatible-restore", "incompatible-network")  # AWS takes no snapshot of it


def database_instances(cloud: Cloud) -> list[Any]:
    pages = cloud.rds.get_paginator("describe_db_instances").paginate()
    return [instance for page in pages for instance in page["DBInstances"]]


def database_statuses(cloud: Cloud) -> dict[str, str]:
    return {d["DBInstanceIdentifier"]: d["DBInstanceStatus"] for d in database_instances(cloud)}
