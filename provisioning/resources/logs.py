"""CloudWatch log groups, with their retention in days."""

from __future__ import annotations

from collections.abc import Iterable

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.kind import Kind

RDS_LOGS = "/aws/rds/instance/"  # the prefix of RDS' log groups, of all databases in the account


class LogGroup(Kind):
    kind = "log-group"
    absent = frozenset({"ResourceNotFoundException"})
    late = frozenset({"days"})
    born = {"days": 0}

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        for prefix in (f"{cloud.scope.path}/", RDS_LOGS):
            pages = cloud.logs.get_paginator("describe_log_groups").paginate(
                logGroupNamePrefix=prefix
            )
            for group in (group for page in pages for group in page["logGroups"]):
                if _is_ours(cloud, group["arn"].removesuffix(":*")):
                    name = group["logGroupName"]
                    days = group.get("retentionInDays", 0)
                    yield self.found(name=name, id=name, props={"days": days})

    def create_one(self, cloud: Cloud, want: Want) -> str:
        tags = {**cloud.scope.owner(), "Name": want.name}
        cloud.logs.create_log_group(logGroupName=want.name, tags=tags)
        return want.name

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        cloud.logs.put_retention_policy(logGroupName=found.id, retentionInDays=want.props["days"])

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("ResourceNotFoundException"):
            cloud.logs.delete_log_group(logGroupName=found.id)


def _is_ours(cloud: Cloud, arn: str) -> bool:
    return cloud.scope.owns_tags(cloud.logs.list_tags_for_resource(resourceArn=arn)["tags"])
