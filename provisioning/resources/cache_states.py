"""ElastiCache's descriptions of nodes and replication groups."""

from __future__ import annotations

from typing import Any

from provisioning.aws import Cloud

LEAVING = ("deleting", "deleted")


def cache_clusters(cloud: Cloud) -> list[Any]:
    pages = cloud.elasticache.get_paginator("describe_cache_clusters").paginate(
        ShowCacheNodeInfo=True
    )
    return [node for page in pages for node in page["CacheClusters"]]


def cache_replication_groups(cloud: Cloud) -> list[Any]:
    pages = cloud.elasticache.get_paginator("describe_replication_groups").paginate()
    return [group for page in pages for group in page["ReplicationGroups"]]
