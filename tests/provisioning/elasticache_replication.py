"""Replication groups of the test cloud's ElastiCache."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.elasticache.exceptions import ElastiCacheException

from tests.provisioning.elasticache_nodes import (
    leave_caches_interfaces,
    modify_record,
    new_node,
)
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
    demand_replica,
    demand_snapshot_source,
    demand_token_order,
    demand_upgrade,
    demand_windows,
)
from tests.provisioning.elasticache_snapshots import GROUP_BUSY, add_snapshot
from tests.provisioning.elasticache_user_refusals import change_way_in, demand_one_way_in
from tests.provisioning.store_states import begin_state, demand_available, pass_group_time


class ReplicationAnswers:
    """The operations, as functions of moto's response object (whose methods they become)."""

    def create_replication_group(self: Any) -> ActionResult:
        asked, store = asked_of(self), store_of(self)
        name = asked["ReplicationGroupId"]
        demand_new(store.groups, name, "ReplicationGroupAlreadyExists")
        if asked.get("AuthToken") and not asked.get("TransitEncryptionEnabled"):
            raise ElastiCacheException("InvalidParameterCombination", "AuthToken needs TLS")
        demand_one_way_in(store, asked)
        demand_replica(
            int(asked["NumCacheClusters"]),
            failover=bool(asked.get("AutomaticFailoverEnabled") or asked.get("MultiAZEnabled")),
            taking_away=False,
        )
        port = int(asked.get("Port", 6379))
        store.groups[name] = {
            "ReplicationGroupId": name,
            "Description": asked["ReplicationGroupDescription"],
            "Status": "available",
            "CacheNodeType": asked["CacheNodeType"],
            "MultiAZ": _as_state(asked.get("MultiAZEnabled")),
            "AtRestEncryptionEnabled": bool(asked.get("AtRestEncryptionEnabled")),
            "TransitEncryptionEnabled": bool(asked.get("TransitEncryptionEnabled")),
            "AuthTokenEnabled": bool(asked.get("AuthToken")),
            "UserGroupIds": list(asked.get("UserGroupIds", [])),
            "AutomaticFailover": _as_state(asked.get("AutomaticFailoverEnabled")),
            "AutoMinorVersionUpgrade": bool(asked.get("AutoMinorVersionUpgrade", True)),
            "SnapshotRetentionLimit": int(asked.get("SnapshotRetentionLimit", 0)),
            "SnapshotWindow": asked.get("SnapshotWindow", "01:30-02:30"),
            "ARN": tagged_arn(self, store, "replicationgroup", name, asked),
            "NodeGroups": [
                {"PrimaryEndpoint": {"Address": f"master.{name}.cache.local", "Port": port}}
            ],
            "rotated": False,
            "asked": asked,
        }
        _members(self, name, int(asked["NumCacheClusters"]))
        _demand_windows(self, store.groups[name], asked)
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
        members = [store.clusters[member] for member in record["MemberClusters"]]
        _demand_failover(record, asked)
        demand_upgrade(store, members[0], asked)
        demand_snapshot_source(record, asked)
        _demand_windows(self, record, asked)
        change_way_in(store, record, asked)
        if "AuthToken" in asked:
            demand_token_order(record, asked)
        for changed in (record, *members):
            modify_record(changed, asked)
        begin_state(record, "modifying")
        return ActionResult({"ReplicationGroup": record})

    def increase_replica_count(self: Any) -> ActionResult:
        asked = asked_of(self)
        record = store_of(self).groups[asked["ReplicationGroupId"]]
        demand_available(record, GROUP_BUSY)
        members = int(asked["NewReplicaCount"]) + 1
        demand_replica(members, failover=_fails_over(record), taking_away=True)
        _members(self, record["ReplicationGroupId"], members)
        begin_state(record, "modifying")
        return ActionResult({"ReplicationGroup": record})

    decrease_replica_count = increase_replica_count

    def delete_replication_group(self: Any) -> ActionResult:
        asked, store = asked_of(self), store_of(self)
        name = asked["ReplicationGroupId"]
        record = existing_record(store.groups, name, "ReplicationGroupNotFoundFault")
        demand_available(record, GROUP_BUSY)
        for member in record["MemberClusters"]:
            leave_caches_interfaces(self, store.clusters[member])
        begin_state(record, "deleting")
        if last := asked.get("FinalSnapshotIdentifier"):
            add_snapshot(self, last, {})
        return ActionResult({"ReplicationGroup": record})


def _as_far_as_known(group: Record) -> Record:
    """AWS describes a group that it is creating without its endpoints and its size."""
    unknown = {"NodeGroups", "CacheNodeType"} if group["Status"] == "creating" else set()
    return {name: value for name, value in group.items() if name not in unknown}


def _as_state(enabled: Any) -> str:
    return "enabled" if enabled else "disabled"


def _fails_over(record: Record) -> bool:
    return "enabled" in (record["AutomaticFailover"], record["MultiAZ"])


def _demand_failover(record: Record, asked: Record) -> None:
    wanted = {"AutomaticFailover": "AutomaticFailoverEnabled", "MultiAZ": "MultiAZEnabled"}
    after = {
        state: _as_state(asked[option]) if option in asked else record[state]
        for state, option in wanted.items()
    }
    members = len(record["MemberClusters"])
    demand_replica(members, failover="enabled" in after.values(), taking_away=False)
    if after == {"AutomaticFailover": "disabled", "MultiAZ": "enabled"}:
        raise ElastiCacheException(
            "InvalidParameterCombination", "Multi-AZ needs automatic failover."
        )
    record.update(after)


def _demand_windows(response: Any, record: Record, asked: Record) -> None:
    """The group has the window for snapshots, its members have the one for maintenance."""
    member = store_of(response).clusters[record["MemberClusters"][0]]
    daily = int(value_after(record, asked, "SnapshotRetentionLimit"))
    demand_windows(
        value_after(member, asked, "PreferredMaintenanceWindow"),
        value_after(record, asked, "SnapshotWindow") if daily else "",
    )


def _members(response: Any, name: str, count: int) -> None:
    store = store_of(response)
    record = store.groups[name]
    there = record.get("MemberClusters", [])
    for old in there[count:]:
        del store.clusters[old]
    record["MemberClusters"] = [f"{name}-{number:03}" for number in range(1, count + 1)]
    for member in record["MemberClusters"][len(there) :]:
        store.clusters[member] = new_node(response, member, record["asked"], name)
        if there:
            like = store.clusters[there[0]]
            own = {
                key: store.clusters[member][key] for key in ("CacheClusterId", "ARN", "CacheNodes")
            }
            store.clusters[member] |= {**like, **own}
