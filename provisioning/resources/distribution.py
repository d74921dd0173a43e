"""The CloudFront distribution in front of the load balancer."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.distribution_config import configuration, origin_host, properties
from provisioning.resources.kind import Kind
from provisioning.tags import as_dict
from provisioning.waiting import only_answer, wait_until

DEPLOYED = "Deployed"  # at all edges; it takes minutes


class Distribution(Kind):
    kind = "distribution"
    absent = frozenset({"NoSuchDistribution"})

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        pages = cloud.cloudfront.get_paginator("list_distributions").paginate()
        ours = [
            (tags["Name"], one)
            for page in pages
            for one in page["DistributionList"].get("Items") or []
            if cloud.scope.owns_tags(tags := _tags(cloud, one["ARN"]))
        ]
        balancers = _balancers(cloud) if ours else {}
        for name, one in ours:
            host = origin_host(one)
            yield self.found(
                name=name,
                id=one["Id"],
                props={"balancer": balancers.get(host, host), **properties(one)},
                ready=one["Status"] == DEPLOYED,
                shows={"host": one["DomainName"]},
            )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        """A call that boto3 repeats has the same reference: AWS makes no second one."""
        config = configuration(
            want.props, _host_of(cloud, want), f"{want.name}-{uuid.uuid4()}", want.name
        )
        made = cloud.cloudfront.create_distribution_with_tags(
            DistributionConfigWithTags={
                "DistributionConfig": config,
                "Tags": {"Items": cloud.scope.tags(want.name)},
            }
        )
        return str(made["Distribution"]["Id"])

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        """Keeps what this module doesn't set, like a web ACL or a log's bucket."""
        now = cloud.cloudfront.get_distribution_config(Id=found.id)
        reference = now["DistributionConfig"]["CallerReference"]
        config = configuration(want.props, _host_of(cloud, want), reference, want.name)
        cloud.cloudfront.update_distribution(
            Id=found.id, IfMatch=now["ETag"], DistributionConfig=now["DistributionConfig"] | config
        )

    def is_ready(self, cloud: Cloud, id: str) -> bool:
        answer = cloud.cloudfront.get_distribution(Id=id)
        return bool(answer["Distribution"]["Status"] == DEPLOYED)

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        """Disabled first, which must have reached all edges: AWS deletes no other."""
        with ignoring("NoSuchDistribution"):
            _disable(cloud, found)
            wait_until(cloud, f"disabling {found.name}", lambda: self.is_ready(cloud, found.id))
            tag = cloud.cloudfront.get_distribution_config(Id=found.id)["ETag"]
            cloud.cloudfront.delete_distribution(Id=found.id, IfMatch=tag)


def _disable(cloud: Cloud, found: Found) -> None:
    now = cloud.cloudfront.get_distribution_config(Id=found.id)
    if now["DistributionConfig"]["Enabled"]:
        cloud.cloudfront.update_distribution(
            Id=found.id,
            IfMatch=now["ETag"],
            DistributionConfig=now["DistributionConfig"] | {"Enabled": False},
        )


def _tags(cloud: Cloud, arn: str) -> dict[str, str]:
    return as_dict(cloud.cloudfront.list_tags_for_resource(Resource=arn)["Tags"].get("Items"))


def _balancers(cloud: Cloud) -> dict[str, str]:
    """DNS name -> ARN of each load balancer of the region."""
    pages = cloud.elb.get_paginator("describe_load_balancers").paginate()
    return {
        one["DNSName"]: one["LoadBalancerArn"] for page in pages for one in page["LoadBalancers"]
    }


def _host_of(cloud: Cloud, want: Want) -> Any:
    arn: str = want.props["balancer"]
    found = cloud.elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
    return only_answer(found)["DNSName"]
