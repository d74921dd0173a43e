"""Hosts' public SSH keys in SSM, a parameter for each launch: `/PROJECT/ENV/host-keys/INSTANCE`. A
console shows them until the next boot only; from here every operator can pin them afterwards."""

from __future__ import annotations

import re

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.resources.instance import host_keys_path

KEY = re.compile(r"(?:ssh-ed25519|ecdsa-sha2-nistp\d+|ssh-rsa) [A-Za-z0-9+/=]+")


def stored_host_keys(cloud: Cloud) -> dict[str, tuple[str, ...]]:
    """Instance id -> its keys, each `TYPE KEY`. Lines that are no key are left out."""
    pages = cloud.ssm.get_paginator("get_parameters_by_path").paginate(Path=host_keys_path(cloud))
    return {
        parameter["Name"].rpartition("/")[2]: tuple(
            line for line in parameter["Value"].splitlines() if KEY.fullmatch(line)
        )
        for page in pages
        for parameter in page["Parameters"]
    }


def store_host_keys(cloud: Cloud, *, instance: str, host: str, keys: tuple[str, ...]) -> None:
    """What is stored is never overwritten: an instance keeps its keys."""
    with ignoring("ParameterAlreadyExists"):
        cloud.ssm.put_parameter(
            Name=f"{host_keys_path(cloud)}/{instance}",
            Value="\n".join(keys),
            Type="String",
            Tags=cloud.scope.tags(host),
        )


def drop_host_keys(cloud: Cloud) -> None:
    """Deletes all of the environment's, also those of hosts that were ended by hand."""
    for instance in stored_host_keys(cloud):
        with ignoring("ParameterNotFound"):
            cloud.ssm.delete_parameter(Name=f"{host_keys_path(cloud)}/{instance}")
