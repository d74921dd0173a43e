"""Secrets: generated here, stored in SSM as SecureString, never shown, compared or kept
elsewhere."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.kind import Kind
from provisioning.tags import as_dict

LETTERS = string.ascii_letters + string.digits  # accepted by MySQL, ElastiCache and URLs


class Secret(Kind):
    kind = "secret"
    absent = frozenset({"ParameterNotFound"})

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        prefix = f"{cloud.scope.path}/secrets/"
        pages = cloud.ssm.get_paginator("describe_parameters").paginate(
            ParameterFilters=[{"Key": "Name", "Option": "BeginsWith", "Values": [prefix]}]
        )
        for parameter in (p for page in pages for p in page["Parameters"]):
            tags = cloud.ssm.list_tags_for_resource(
                ResourceType="Parameter", ResourceId=parameter["Name"]
            )["TagList"]
            if cloud.scope.owns_tags(as_dict(tags)):
                yield self.found(
                    name=as_dict(tags)["Name"],
                    id=parameter["Name"],
                    props={"type": parameter["Type"]},
                )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        path = f"{cloud.scope.path}/secrets/{want.name}"
        value = random_secret(want.hidden["length"])
        cloud.ssm.put_parameter(
            Name=path, Value=value, Type="SecureString", Tags=cloud.scope.tags(want.name)
        )
        return path

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("ParameterNotFound"):
            cloud.ssm.delete_parameter(Name=found.id)


def random_secret(length: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(length))


def secret_value(cloud: Cloud, path: str) -> str:
    """The secret's value, for the one call that passes it to a store. It must not be logged."""
    answer = cloud.ssm.get_parameter(Name=path, WithDecryption=True)
    return answer["Parameter"]["Value"]
