"""VPC flow logs: connections refused by the security groups, written to a log group of ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.errors import AwsRefused
from provisioning.model import Found, Want
from provisioning.resources.kind import Kind
from provisioning.tags import as_dict
from provisioning.waiting import eventually


class FlowLog(Kind):
    """AWS can't change one in place; replacing it costs nothing and loses nothing."""

    kind = "flow-log"

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        filters: Any = {"Filter": cloud.scope.filters()}
        pages = cloud.ec2.get_paginator("describe_flow_logs").paginate(**filters)
        for log in cloud.scope.only_ours(log for page in pages for log in page["FlowLogs"]):
            yield self.found(
                name=as_dict(log["Tags"])["Name"],
                id=log["FlowLogId"],
                props={
                    "vpc": log["ResourceId"],
                    "log_group": log["LogGroupName"],
                    "role": log["DeliverLogsPermissionArn"].rpartition("/")[2],
                    "traffic": log["TrafficType"],
                },
            )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        """Retried while the role, if it is new, is not visible everywhere yet."""
        p = want.props
        role = f"arn:aws:iam::{cloud.account}:role{cloud.scope.path}/{p['role']}"
        response = eventually(
            cloud,
            f"the flow log {want.name}",
            "Unable to assume given IAM role",
            lambda: cloud.ec2.create_flow_logs(
                ResourceIds=[p["vpc"]],
                ResourceType="VPC",
                TrafficType=p["traffic"],
                LogGroupName=p["log_group"],
                DeliverLogsPermissionArn=role,
                TagSpecifications=cloud.scope.tagging("vpc-flow-log", want.name),
            ),
        )
        for failure in response.get(
            "Unsuccessful", ()
        ):  # reported in the response, not as an error
            raise AwsRefused(
                f"make {want.key}: {failure['Error']['Message']}",
                aws_code=failure["Error"]["Code"],
            )
        return response["FlowLogIds"][0]

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("InvalidFlowLogId.NotFound"):
            cloud.ec2.delete_flow_logs(FlowLogIds=[found.id])
