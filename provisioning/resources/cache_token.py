"""The token of an encrypted cache, exchanged without an outage: ROTATE, then the hosts, then SET.

Between the two both tokens are accepted. ROTATE keeps one earlier token only, so it must not be
called twice: the new token stands in a parameter of its own until the rotation is finished.
"""

from __future__ import annotations

from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.errors import ProvisioningError
from provisioning.model import Found
from provisioning.resources.cache_states import AT_WORK, cache_replication_groups, demand_ours
from provisioning.resources.secret import random_secret, secret_value
from provisioning.waiting import wait_until


def rotate_token(cloud: Cloud, found: Found, path: str, *, length: int) -> None:
    """Make the cache accept a new token as well, and make that the secret at `path`. Idempotent: a
    run that was killed is continued, and one that was not finished is not begun again."""
    stored = begin_rotation(cloud, found, length=length)
    changed = _description(cloud, found).get("AuthTokenLastModifiedDate")
    if changed is None or changed < stored["LastModifiedDate"]:
        _set_token(cloud, found, stored["Value"], "ROTATE")
    cloud.ssm.put_parameter(Name=path, Value=stored["Value"], Type="SecureString", Overwrite=True)


def settle_token(cloud: Cloud, found: Found, path: str) -> None:
    """Make the cache accept the secret at `path` only. Raises ProvisioningError if no rotation has
    begun: AWS refuses SET without a ROTATE before."""
    begun_rotation(cloud, found)
    _set_token(cloud, found, secret_value(cloud, path), "SET")
    end_rotation(cloud, found)


def begin_rotation(cloud: Cloud, found: Found, *, length: int) -> Any:
    """The parameter with the new secret of this cache's rotation: drawn by the first run, and found
    again by those that continue it."""
    waiting = _waiting_path(cloud, found)
    if stored := _parameter(cloud, waiting):
        return stored
    cloud.ssm.put_parameter(
        Name=waiting, Value=random_secret(length), Type="SecureString",
        Tags=cloud.scope.tags(found.name),
    )  # fmt: skip
    return _parameter(cloud, waiting)


def begun_rotation(cloud: Cloud, found: Found) -> Any:
    """The same parameter. Raises ProvisioningError if no rotation has begun."""
    stored = _parameter(cloud, _waiting_path(cloud, found))
    if not stored:
        raise ProvisioningError(
            f"No rotation of {found.name} has begun, or it is finished.",
            todo=f"Begin one with: rotate {found.name}",
        )
    return stored


def end_rotation(cloud: Cloud, found: Found) -> None:
    with ignoring("ParameterNotFound"):
        cloud.ssm.delete_parameter(Name=_waiting_path(cloud, found))


def demand_no_rotation(cloud: Cloud, found: Found) -> None:
    """Raises ProvisioningError while hosts may still have a token that isn't the secret: it ends
    when users take its place."""
    if _parameter(cloud, _waiting_path(cloud, found)):
        raise ProvisioningError(
            f"The token of {found.name} is being rotated.",
            todo=f"Run site.yml and rotate {found.name} --finish, then apply again.",
        )


def drop_rotations(cloud: Cloud) -> None:
    """Delete what unfinished rotations of this environment have left."""
    pages = cloud.ssm.get_paginator("describe_parameters").paginate(
        ParameterFilters=[
            {"Key": "Name", "Option": "BeginsWith", "Values": [_waiting_folder(cloud)]}
        ]
    )
    for parameter in [parameter for page in pages for parameter in page["Parameters"]]:
        with ignoring("ParameterNotFound"):
            cloud.ssm.delete_parameter(Name=parameter["Name"])


def _waiting_folder(cloud: Cloud) -> str:
    return f"{cloud.scope.path}/rotation/"


def _waiting_path(cloud: Cloud, found: Found) -> str:
    return f"{_waiting_folder(cloud)}{found.name}"


def _set_token(cloud: Cloud, found: Found, token: str, strategy: Any) -> None:
    demand_ours(cloud, found)
    cloud.elasticache.modify_replication_group(
        ReplicationGroupId=found.id, AuthToken=token, AuthTokenUpdateStrategy=strategy,
        ApplyImmediately=True,
    )  # fmt: skip
    ready = f"changing the token of {found.name}"
    wait_until(cloud, ready, lambda: _description(cloud, found)["Status"] in AT_WORK)


def _description(cloud: Cloud, found: Found) -> Any:
    groups = cache_replication_groups(cloud)
    return next(group for group in groups if group["ReplicationGroupId"] == found.id)


def _parameter(cloud: Cloud, path: str) -> Any:
    with ignoring("ParameterNotFound"):
        return cloud.ssm.get_parameter(Name=path, WithDecryption=True)["Parameter"]
    return None
