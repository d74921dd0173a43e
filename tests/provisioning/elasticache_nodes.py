"""Nodes of the test cloud's ElastiCache: each on its own, or a member of a replication group."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult

from tests.provisioning.elasticache_records import (
    Record,
    asked_of,
    demand_new,
    existing_record,
    store_of,
    tagged_arn,
    value_after,
)
from tests.provisioning.elasticache_refusals import (
    demand_upgrade,
    demand_windows,
    full_version,
)
from tests.provisioning.lingering import leave_interfaces
from tests.provisioning.store_states import begin_state, demand_available, pass_node_time

MODIFIED = (
    "CacheNodeType", "Engine", "PreferredMaintenanceWindow", "SnapshotWindow",
    "AutoMinorVersionUpgrade",
)  # fmt: skip
NODE_BUSY = "InvalidCacheClusterState"


class NodeAnswers:
    """The operations, as functions of moto's response object (whose methods they become)."""

    def create_cache_cluster(self: Any) -> ActionResult:
        asked, store = asked_of(self), store_of(self)
        name = asked["CacheClusterId"]
        demand_new(store.clusters, name, "CacheClusterAlreadyExists")
        store.clusters[name] = new_node(self, name, asked)
        begin_state(store.clusters[name], "creating")
        tagged_arn(self, store, "cluster", name, asked)
        return ActionResult({"CacheCluster": store.clusters[name]})

    def describe_cache_clusters(self: Any) -> ActionResult:
        pass_node_time(store_of(self))
        return ActionResult({"CacheClusters": list(store_of(self).clusters.values())})

    def modify_cache_cluster(self: Any) -> ActionResult:
        asked = asked_of(self)
        record = store_of(self).clusters[asked["CacheClusterId"]]
        demand_available(record, NODE_BUSY)
        demand_upgrade(store_of(self), record, asked)
        demand_windows(value_after(record, asked, "PreferredMaintenanceWindow"), "")
        modify_record(record, asked)
        begin_state(record, "modifying")
        return ActionResult({"CacheCluster": record})

    def delete_cache_cluster(self: Any) -> ActionResult:
        record = existing_record(
            store_of(self).clusters, asked_of(self)["CacheClusterId"], "CacheClusterNotFound"
        )
        demand_available(record, NODE_BUSY)
        leave_caches_interfaces(self, record)
        begin_state(record, "deleting")
        return ActionResult({"CacheCluster": record})


def new_node(response: Any, name: str, asked: Record, group: str = "") -> Record:
    end = {"Address": f"{name}.cache.local", "Port": int(asked.get("Port", 6379))}
    parameters = asked.get("CacheParameterGroupName", "default.redis7")
    return {
        "CacheClusterId": name,
        "CacheClusterStatus": "available",
        "CacheNodeType": asked["CacheNodeType"],
        "Engine": asked["Engine"],
        "EngineVersion": full_version(asked.get("EngineVersion", "7.1")),
        "PreferredMaintenanceWindow": asked.get(
            "PreferredMaintenanceWindow", "sun:05:00-sun:06:00"
        ),
        "AutoMinorVersionUpgrade": bool(asked.get("AutoMinorVersionUpgrade", True)),
        "CacheSubnetGroupName": asked["CacheSubnetGroupName"],
        "SecurityGroups": security_groups(asked),
        "CacheNodes": [{"CacheNodeId": "0001", "Endpoint": end}],
        "CacheParameterGroup": {"CacheParameterGroupName": parameters},
        "parameters": parameters,
        "ARN": f"arn:aws:elasticache:{response.region}:{response.current_account}:cluster:{name}",
        **({"ReplicationGroupId": group} if group else {}),
    }


def leave_caches_interfaces(response: Any, node: Record) -> None:
    subnet_group = store_of(response).subnets[node["CacheSubnetGroupName"]]
    subnets = {subnet["SubnetIdentifier"] for subnet in subnet_group["Subnets"]}
    groups = {group["SecurityGroupId"] for group in node["SecurityGroups"]}
    name = f"ElastiCache {node['CacheClusterId']}"
    leave_interfaces(response.elasticache_backend, name, subnets, groups)


def security_groups(asked: Record) -> list[Record]:
    ids = asked.get("SecurityGroupIds", ())
    return [{"SecurityGroupId": id, "Status": "active"} for id in ids]


def modify_record(record: Record, asked: Record) -> None:
    if "SecurityGroupIds" in asked:
        record["SecurityGroups"] = security_groups(asked)
    for field in MODIFIED:
        if field in asked and field in record:
            record[field] = asked[field]
    if "EngineVersion" in asked and "EngineVersion" in record:
        record["EngineVersion"] = full_version(asked["EngineVersion"])
    if "SnapshotRetentionLimit" in asked:
        record["SnapshotRetentionLimit"] = int(asked["SnapshotRetentionLimit"])
    if "CacheParameterGroupName" in asked:
        name = asked["CacheParameterGroupName"]
        record["parameters"] = name
        record["CacheParameterGroup"] = {"CacheParameterGroupName": name}
