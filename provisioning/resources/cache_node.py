"""ElastiCache: one plain node, as in the write-up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.cache_groups import our_cache_subnets
from provisioning.resources.cache_states import (
    AT_WORK,
    cache_clusters,
    demand_ours,
    is_ours,
    wait_until_left,
)
from provisioning.resources.kind import Kind
from provisioning.resources.verdicts import is_version


class CacheNode(Kind):
    kind = "cache-node"
    absent = frozenset({"CacheClusterNotFound"})
    holds_data = True

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        for node in cache_clusters(cloud):
            if not node.get("ReplicationGroupId") and self._ours(cloud, node):
                yield self._found(node)

    def _ours(self, cloud: Cloud, node: Any) -> bool:
        status = node["CacheClusterStatus"]
        ready = status == "available"
        in_ours = not ready and node["CacheSubnetGroupName"] in our_cache_subnets(cloud)
        return is_ours(cloud, node["ARN"], status=status, looks_ours=in_ours)

    def _found(self, node: Any) -> Found:
        endpoints = [
            member["Endpoint"] for member in node.get("CacheNodes", ()) if "Endpoint" in member
        ]
        port = endpoints[0]["Port"] if endpoints else None
        return self.found(
            name=node["CacheClusterId"],
            id=node["CacheClusterId"],
            props={
                "engine": node["Engine"],
                "version": node["EngineVersion"],
                "type": node["CacheNodeType"],
                "maintenance": node["PreferredMaintenanceWindow"],
                "auto_upgrade": node["AutoMinorVersionUpgrade"],
                "subnets": node["CacheSubnetGroupName"],
                "groups": frozenset(g["SecurityGroupId"] for g in node.get("SecurityGroups", ())),
                **({"port": port} if port else {}),
            },
            ready=node["CacheClusterStatus"] in AT_WORK,
            more={"arn": node["ARN"], "status": node["CacheClusterStatus"]},
            shows={
                "host": endpoints[0]["Address"] if endpoints else "",
                "port": port or 0,
                "tls": False,
            },
        )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        wait_until_left(cloud, want.name, lambda: _statuses(cache_clusters(cloud)))
        cloud.elasticache.create_cache_cluster(
            CacheClusterId=want.name,
            Engine=want.props["engine"],
            EngineVersion=want.props["version"],
            CacheNodeType=want.props["type"],
            NumCacheNodes=1,
            Port=want.props["port"],
            CacheSubnetGroupName=want.props["subnets"],
            SecurityGroupIds=sorted(want.props["groups"]),
            PreferredMaintenanceWindow=want.props["maintenance"],
            AutoMinorVersionUpgrade=want.props["auto_upgrade"],
            Tags=cloud.scope.tags(want.name),
        )
        return want.name

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        p = want.props
        options: dict[str, dict[str, Any]] = {
            "version": {"EngineVersion": p["version"]},
            "type": {"CacheNodeType": p["type"]},
            "groups": {"SecurityGroupIds": sorted(p["groups"])},
            "maintenance": {"PreferredMaintenanceWindow": p["maintenance"]},
            "auto_upgrade": {"AutoMinorVersionUpgrade": p["auto_upgrade"]},
        }
        changes = {k: v for name in sorted(changed) for k, v in options[name].items()}
        demand_ours(cloud, found)
        cloud.elasticache.modify_cache_cluster(
            CacheClusterId=found.id, ApplyImmediately=True, **changes
        )

    def is_same(self, name: str, found: Any, wanted: Any) -> bool:
        """For 7.1 AWS returns the full version that it chose: 7.1.0."""
        return (
            is_version(found, wanted) if name == "version" else super().is_same(name, found, wanted)
        )

    def is_ready(self, cloud: Cloud, id: str) -> bool:
        return _statuses(cache_clusters(cloud)).get(id) in AT_WORK

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        with ignoring("CacheClusterNotFound"):
            demand_ours(cloud, found)
            cloud.elasticache.delete_cache_cluster(CacheClusterId=found.id)

    def is_gone(self, cloud: Cloud, found: Found) -> bool:
        return found.id not in _statuses(cache_clusters(cloud))

    def price_items(self, want: Want) -> Mapping[str, float]:
        return {f"cache/{want.props['type']}": 1}


def _statuses(nodes: list[Any]) -> dict[str, str]:
    return {node["CacheClusterId"]: node["CacheClusterStatus"] for node in nodes}
