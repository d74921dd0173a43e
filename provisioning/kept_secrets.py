"""Secrets that outlive their environment, each beside a snapshot of its database.

Codes and receipts in a snapshot can be verified with the coupon key only, and the application's
user in it has its old password. Before anything is removed, these secrets are copied to
`/PROJECT/ENV/kept/SNAPSHOT/NAME`; `restore` takes them back, and a copy whose snapshot was deleted
is deleted by the next destroy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioning.aws import Cloud
from provisioning.blueprint.secrets import STORED_UNDER
from provisioning.client_errors import ignoring
from provisioning.errors import Ambiguous, ProvisioningError
from provisioning.resources.database_groups import database_tags
from provisioning.resources.secret import secret_value
from provisioning.tags import as_dict


def our_snapshots(cloud: Cloud) -> dict[str, Any]:
    """Every snapshot of a database that has our tags, by name."""
    pages = cloud.rds.get_paginator("describe_db_snapshots").paginate()
    return {
        snapshot["DBSnapshotIdentifier"]: snapshot
        for page in pages
        for snapshot in page["DBSnapshots"]
        if cloud.scope.owns_tags(_tags(cloud, snapshot))
    }


def _tags(cloud: Cloud, snapshot: Any) -> dict[str, str]:
    return as_dict(snapshot.get("TagList")) or database_tags(cloud, snapshot["DBSnapshotArn"])


def kept_secrets(cloud: Cloud) -> Iterator[tuple[str, str]]:
    """(snapshot, path) of every copy."""
    prefix = f"{cloud.scope.path}/kept/"
    pages = cloud.ssm.get_paginator("describe_parameters").paginate(
        ParameterFilters=[{"Key": "Name", "Option": "BeginsWith", "Values": [prefix]}]
    )
    for parameter in (parameter for page in pages for parameter in page["Parameters"]):
        yield parameter["Name"].removeprefix(prefix).partition("/")[0], parameter["Name"]


def keep_secrets(cloud: Cloud, snapshot: str) -> None:
    """Copies the secrets for this snapshot, which need not exist yet. Repeated, it changes
    nothing."""
    for name in STORED_UNDER:
        if value := _value(cloud, _live_path(cloud, name)):
            with ignoring("ParameterAlreadyExists"):
                cloud.ssm.put_parameter(
                    Name=_kept_path(cloud, snapshot, name),
                    Value=value,
                    Type="SecureString",
                    Tags=cloud.scope.tags(name, Snapshot=snapshot),
                )


def return_secrets(cloud: Cloud, snapshot: str) -> None:
    """Makes the secrets of this snapshot the environment's own. Raises ProvisioningError if there
    are none, and Ambiguous if the environment has others, before anything is written."""
    live = {name: _value(cloud, _live_path(cloud, name)) for name in STORED_UNDER}
    kept = {name: _value(cloud, _kept_path(cloud, snapshot, name)) for name in STORED_UNDER}
    _demand_usable(cloud, snapshot, live, kept)
    for name in STORED_UNDER:
        if not live[name]:
            cloud.ssm.put_parameter(
                Name=_live_path(cloud, name),
                Value=kept[name],
                Type="SecureString",
                Tags=cloud.scope.tags(name),
            )


def _demand_usable(
    cloud: Cloud, snapshot: str, live: Mapping[str, str], kept: Mapping[str, str]
) -> None:
    for name in STORED_UNDER:
        if not live[name] and not kept[name]:
            raise ProvisioningError(
                f"There is no {name} for {snapshot}, so what is in it can't be used.",
                todo=f"Store yours as a SecureString at {_kept_path(cloud, snapshot, name)}.",
            )
        if live[name] and kept[name] and live[name] != kept[name]:
            raise Ambiguous(
                f"{_live_path(cloud, name)} isn't the one that {snapshot} was made under.",
                todo="Destroy the environment first: it may have issued codes of its own.",
            )


def drop_orphans(cloud: Cloud) -> None:
    """Deletes the copies whose snapshot isn't there any more."""
    copies = list(kept_secrets(cloud))
    snapshots = our_snapshots(cloud) if copies else {}
    for snapshot, path in copies:
        if snapshot not in snapshots:
            with ignoring("ParameterNotFound"):
                cloud.ssm.delete_parameter(Name=path)


def _value(cloud: Cloud, path: str) -> str:
    """Empty if there is none."""
    with ignoring("ParameterNotFound"):
        return secret_value(cloud, path)
    return ""


def _live_path(cloud: Cloud, name: str) -> str:
    return f"{cloud.scope.path}/secrets/{name}"


def _kept_path(cloud: Cloud, snapshot: str, name: str) -> str:
    """RDS names its daily snapshots `rds:...`, and SSM reads what follows a colon as a version."""
    return f"{cloud.scope.path}/kept/{snapshot.replace(':', '.')}/{name}"
