"""ElastiCache's descriptions of nodes and replication groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provisioning.aws import Cloud
from provisioning.model import Found
from provisioning.resources.cache_groups import cache_tags
from provisioning.resources.kind import not_ours_error
from provisioning.tags import as_dict
from provisioning.waiting import wait_until

LEAVING = ("deleting", "deleted")
AT_WORK = ("available", "snapshotting")  # it serves, and all of it is described
FAILED = ("create-failed", "restore-failed", "incompatible-network")  # it has no data


def cache_clusters(cloud: Cloud) -> list[Any]:
    pages = cloud.elasticache.get_paginator("describe_cache_clusters").paginate(
        ShowCacheNodeInfo=True
    )
    return [node for page in pages for node in page["CacheClusters"]]


def cache_replication_groups(cloud: Cloud) -> list[Any]:
    pages = cloud.elasticache.get_paginator("describe_replication_groups").paginate()
    return [group for page in pages for group in page["ReplicationGroups"]]


def is_ours(cloud: Cloud, arn: str, *, status: str, looks_ours: bool) -> bool:
    """Whether it has our tags. ElastiCache lists no tags unless it is available: until then what it
    looks like decides, and `demand_ours` has the last word before anything is changed."""
    if status == "available":
        return cloud.scope.owns_tags(cache_tags(cloud, arn))
    return looks_ours and status not in LEAVING


def demand_ours(cloud: Cloud, found: Found) -> None:
    """Raises Ambiguous for a stranger's cache, and AWS' own refusal, which passes, while the tags
    can't be read. Not for one that failed to be created: its tags are never listed."""
    if found.more.get("status") in FAILED:
        return
    tags = cloud.elasticache.list_tags_for_resource(ResourceName=found.more["arn"])["TagList"]
    if not cloud.scope.owns_tags(as_dict(tags)):
        raise not_ours_error(found)


def wait_until_left(cloud: Cloud, name: str, statuses: Callable[[], dict[str, str]]) -> None:
    """Waits for the end of a deletion, after which the name is free again."""
    wait_until(cloud, f"removing the old {name}", lambda: statuses().get(name) not in LEAVING)
