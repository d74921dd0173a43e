"""Replication groups of the test cloud's ElastiCache."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.elasticache.exceptions import ElastiCacheException

from tests.provisioning.elasticache_nodes import modify_record, new_node
from tests.provisioning.elasticache_records import (
    Record,
    asked_of,
    demand_new,
    existing_record,
    store_of,
    tagged_arn,
)
from tests.provisioning.elasticache_snapshots import GROUP_BUSY, add_snapshot
from tests.provisioning.store_states import begin_state, demand_available, pass_group_time


class ReplicationAnswers:
    """The operations, as functions of moto's response object (whose methods they become)."""

    def create_replication_group(self: Any) -> ActionResult:
        asked, store = asked_of(self), store_of(self)
        name = asked["ReplicationGroupId"]
        demand_new(store.groups, name, "ReplicationGroupAlreadyExists")
        if asked.get("AuthToken") and not asked.get("TransitEncryptionEnabled"):
            raise ElastiCacheException("InvalidParameterCombination", "AuthToken needs TLS")
        port = int(asked.get("Port", 6379))
        store.groups[name] = {
            "ReplicationGroupId": name,
            "Description": asked["ReplicationGroupDescription"],
            "Status": "available",
            "CacheNodeType": asked["CacheNodeType"],
            "MultiAZ": "enabled" if asked.get("MultiAZEnabled") else "disabled",
            "AtRestEncryptionEnabled": bool(asked.get("AtRestEncryptionEnabled")),
            "TransitEncryptionEnabled": bool(asked.get("TransitEncryptionEnabled")),
            "AuthTokenEnabled": bool(asked.get("AuthToken")),
            "SnapshotRetentionLimit": int(asked.get("SnapshotRetentionLimit", 0)),
            "ARN": tagged_arn(self, store, "replicationgroup", name, asked),
            "NodeGroups": [
                {"PrimaryEndpoint": {"Address": f"master.{name}.cache.local", "Port": port}}
            ],
            "asked": asked,
        }
        _members(self, name, int(asked["NumCacheClusters"]))
        begin_state(store.groups[name], "creating")
        return ActionResult({"ReplicationGroup": store.groups[name]})

    def describe_replication_groups(self: Any) -> ActionResult:
        pass_group_time(store_of(self))
        described = [_as_far_as_known(group) for group in store_of(self).groups.values()]
        return ActionResult({"ReplicationGroups": described})

    def modify_replication_group(self: Any) -> ActionResult:
        asked, store = asked_of(self), store_of(self)
        record = store.groups[asked["ReplicationGroupId"]]
        demand_available(record, GROUP_BUSY)
        modify_record(record, asked)
        if "MultiAZEnabled" in asked:
            record["MultiAZ"] = "enabled" if asked["MultiAZEnabled"] else "disabled"
        for member in record["MemberClusters"]:
            modify_record(store.clusters[member], asked)
        begin_state(record, "modifying")
        return ActionResult({"ReplicationGroup": record})

    def increase_replica_count(self: Any) -> ActionResult:
        asked = asked_of(self)
        name = asked["ReplicationGroupId"]
        record = store_of(self).groups[name]
        demand_available(record, GROUP_BUSY)
        _members(self, name, int(asked["NewReplicaCount"]) + 1)
        begin_state(record, "modifying")
        return ActionResult({"ReplicationGroup": record})

    decrease_replica_count = increase_replica_count

    def delete_replication_group(self: Any) -> ActionResult:
        asked, store = asked_of(self), store_of(self)
        name = asked["ReplicationGroupId"]
        record = existing_record(store.groups, name, "ReplicationGroupNotFoundFault")
        demand_available(record, GROUP_BUSY)
        begin_state(record, "deleting")
        if last := asked.get("FinalSnapshotIdentifier"):
            add_snapshot(self, last, {})
        return ActionResult({"ReplicationGroup": record})


def _as_far_as_known(group: Record) -> Record:
    """AWS describes a group that it is creating without its endpoints and its size."""
    unknown = {"NodeGroups", "CacheNodeType"} if group["Status"] == "creating" else set()
    return {name: value for name, value in group.items() if name not in unknown}


def _members(response: Any, name: str, count: int) -> None:
    store = store_of(response)
    record = store.groups[name]
    for old in record.get("MemberClusters", ()):
        del store.clusters[old]
    record["MemberClusters"] = [f"{name}-{number:03}" for number in range(1, count + 1)]
    for member in record["MemberClusters"]:
        store.clusters[member] = new_node(response, member, record["asked"], name)
