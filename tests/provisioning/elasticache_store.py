"""ElastiCache for moto: a small store that returns what was created in it.

moto's own drops security groups and parameter groups, loses members and has no endpoints, so a
second apply would find changes. Requests and answers have botocore's shapes; the rules are those
that our code depends on: unique names, no deletion while in use, members as counted.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.elasticache.exceptions import ElastiCacheException
from moto.elasticache.responses import ElastiCacheResponse

from tests.provisioning.store_states import (
    begin_state,
    demand_available,
    pass_group_time,
    pass_node_time,
    pass_time,
)

Record = dict[str, Any]
GROUP_BUSY, NODE_BUSY = "InvalidReplicationGroupState", "InvalidCacheClusterState"


class Store:
    def __init__(self) -> None:
        self.clusters: dict[str, Record] = {}
        self.groups: dict[str, Record] = {}
        self.subnets: dict[str, Record] = {}
        self.parameters: dict[str, Record] = {}
        self.snapshots: list[Record] = []
        self.tags: dict[str, dict[str, str]] = {}


class Answers:
    """The operations, as functions of moto's response object (whose methods they become)."""

    def create_cache_subnet_group(self: Any) -> ActionResult:
        asked, store = _asked(self), store_of(self)
        name = asked["CacheSubnetGroupName"]
        _new(store.subnets, name, "CacheSubnetGroupAlreadyExists")
        store.subnets[name] = {
            "CacheSubnetGroupName": name,
            "Subnets": [{"SubnetIdentifier": id} for id in asked["SubnetIds"]],
            "ARN": _arn(self, store, "subnetgroup", name, asked),
        }
        return ActionResult({"CacheSubnetGroup": store.subnets[name]})

    def describe_cache_subnet_groups(self: Any) -> ActionResult:
        return ActionResult({"CacheSubnetGroups": list(store_of(self).subnets.values())})

    def modify_cache_subnet_group(self: Any) -> ActionResult:
        asked = _asked(self)
        record = store_of(self).subnets[asked["CacheSubnetGroupName"]]
        record["Subnets"] = [{"SubnetIdentifier": id} for id in asked["SubnetIds"]]
        return ActionResult({"CacheSubnetGroup": record})

    def delete_cache_subnet_group(self: Any) -> EmptyResult:
        name, store = _asked(self)["CacheSubnetGroupName"], store_of(self)
        _unused(store, "CacheSubnetGroupName", name, "CacheSubnetGroupInUse")
        _gone(store.subnets, name, "CacheSubnetGroupNotFoundFault")
        return EmptyResult()

    def create_cache_parameter_group(self: Any) -> ActionResult:
        asked, store = _asked(self), store_of(self)
        name = asked["CacheParameterGroupName"]
        _new(store.parameters, name, "CacheParameterGroupAlreadyExists")
        store.parameters[name] = {
            "CacheParameterGroupName": name,
            "CacheParameterGroupFamily": asked["CacheParameterGroupFamily"],
            "ARN": _arn(self, store, "parametergroup", name, asked),
            "values": {},
        }
        return ActionResult({"CacheParameterGroup": store.parameters[name]})

    def describe_cache_parameter_groups(self: Any) -> ActionResult:
        return ActionResult({"CacheParameterGroups": list(store_of(self).parameters.values())})

    def describe_cache_parameters(self: Any) -> ActionResult:
        values = store_of(self).parameters[_asked(self)["CacheParameterGroupName"]]["values"]
        named = [{"ParameterName": k, "ParameterValue": v} for k, v in values.items()]
        return ActionResult({"Parameters": named})

    def modify_cache_parameter_group(self: Any) -> ActionResult:
        asked = _asked(self)
        record = store_of(self).parameters[asked["CacheParameterGroupName"]]
        for one in asked["ParameterNameValues"]:
            record["values"][one["ParameterName"]] = one["ParameterValue"]
        return ActionResult({"CacheParameterGroupName": asked["CacheParameterGroupName"]})

    def delete_cache_parameter_group(self: Any) -> EmptyResult:
        name, store = _asked(self)["CacheParameterGroupName"], store_of(self)
        _unused(store, "parameters", name, "InvalidCacheParameterGroupState")
        _gone(store.parameters, name, "CacheParameterGroupNotFound")
        return EmptyResult()

    def create_cache_cluster(self: Any) -> ActionResult:
        asked, store = _asked(self), store_of(self)
        name = asked["CacheClusterId"]
        _new(store.clusters, name, "CacheClusterAlreadyExists")
        store.clusters[name] = _node(self, name, asked)
        begin_state(store.clusters[name], "creating")
        _arn(self, store, "cluster", name, asked)
        return ActionResult({"CacheCluster": store.clusters[name]})

    def describe_cache_clusters(self: Any) -> ActionResult:
        pass_node_time(store_of(self))
        return ActionResult({"CacheClusters": list(store_of(self).clusters.values())})

    def modify_cache_cluster(self: Any) -> ActionResult:
        asked = _asked(self)
        record = store_of(self).clusters[asked["CacheClusterId"]]
        demand_available(record, NODE_BUSY)
        _modify(record, asked)
        begin_state(record, "modifying")
        return ActionResult({"CacheCluster": record})

    def delete_cache_cluster(self: Any) -> ActionResult:
        record = _existing(
            store_of(self).clusters, _asked(self)["CacheClusterId"], "CacheClusterNotFound"
        )
        demand_available(record, NODE_BUSY)
        begin_state(record, "deleting")
        return ActionResult({"CacheCluster": record})

    def create_replication_group(self: Any) -> ActionResult:
        asked, store = _asked(self), store_of(self)
        name = asked["ReplicationGroupId"]
        _new(store.groups, name, "ReplicationGroupAlreadyExists")
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
            "ARN": _arn(self, store, "replicationgroup", name, asked),
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
        asked, store = _asked(self), store_of(self)
        record = store.groups[asked["ReplicationGroupId"]]
        demand_available(record, GROUP_BUSY)
        _modify(record, asked)
        if "MultiAZEnabled" in asked:
            record["MultiAZ"] = "enabled" if asked["MultiAZEnabled"] else "disabled"
        for member in record["MemberClusters"]:
            _modify(store.clusters[member], asked)
        begin_state(record, "modifying")
        return ActionResult({"ReplicationGroup": record})

    def increase_replica_count(self: Any) -> ActionResult:
        asked = _asked(self)
        name = asked["ReplicationGroupId"]
        record = store_of(self).groups[name]
        demand_available(record, GROUP_BUSY)
        _members(self, name, int(asked["NewReplicaCount"]) + 1)
        begin_state(record, "modifying")
        return ActionResult({"ReplicationGroup": record})

    decrease_replica_count = increase_replica_count

    def delete_replication_group(self: Any) -> ActionResult:
        asked, store = _asked(self), store_of(self)
        name = asked["ReplicationGroupId"]
        record = _existing(store.groups, name, "ReplicationGroupNotFoundFault")
        demand_available(record, GROUP_BUSY)
        begin_state(record, "deleting")
        if last := asked.get("FinalSnapshotIdentifier"):
            _add_snapshot(self, last, {})
        return ActionResult({"ReplicationGroup": record})

    def create_snapshot(self: Any) -> ActionResult:
        """As AWS' daily one does: the group is `snapshotting` meanwhile."""
        asked = _asked(self)
        record = store_of(self).groups[asked["ReplicationGroupId"]]
        demand_available(record, GROUP_BUSY)
        begin_state(record, "snapshotting")
        return ActionResult({"Snapshot": _add_snapshot(self, asked["SnapshotName"], asked)})

    def describe_snapshots(self: Any) -> ActionResult:
        return ActionResult({"Snapshots": store_of(self).snapshots})

    def list_tags_for_resource(self: Any) -> ActionResult:
        arn, store = _asked(self)["ResourceName"], store_of(self)
        name = arn.rpartition(":")[2]
        if ":cluster:" in arn:
            demand_available(store.clusters[name], "CacheClusterNotFound")
        elif ":replicationgroup:" in arn:
            demand_available(store.groups[name], GROUP_BUSY)
        tags = store.tags.get(arn, {})
        return ActionResult({"TagList": [{"Key": k, "Value": v} for k, v in tags.items()]})


def install_elasticache() -> None:
    for name, operation in vars(Answers).items():
        if not name.startswith("_"):
            setattr(ElastiCacheResponse, name, operation)


def store_of(response: Any) -> Store:
    return store_behind(response.elasticache_backend)


def store_behind(backend: Any) -> Store:
    if not hasattr(backend, "kept"):
        backend.kept = Store()
    kept: Store = backend.kept
    return kept


def _asked(response: Any) -> Record:
    asked: Record = response._get_params()
    return asked


def _new(table: dict[str, Record], name: str, error: str) -> None:
    if name in table:
        raise ElastiCacheException(error, f"{name} already exists.")


def _add_snapshot(response: Any, name: str, asked: Record) -> Record:
    store = store_of(response)
    arn = _arn(response, store, "snapshot", name, asked)
    store.snapshots.append({"SnapshotName": name, "ARN": arn, "SnapshotStatus": "available"})
    return store.snapshots[-1]


def _as_far_as_known(group: Record) -> Record:
    """AWS describes a group that it is creating without its endpoints and its size."""
    unknown = {"NodeGroups", "CacheNodeType"} if group["Status"] == "creating" else set()
    return {name: value for name, value in group.items() if name not in unknown}


def _existing(table: dict[str, Record], name: str, error: str) -> Record:
    if name not in table:
        raise ElastiCacheException(error, f"{name} is not found.")
    return table[name]


def _gone(table: dict[str, Record], name: str, error: str) -> Record:
    _existing(table, name, error)
    return table.pop(name)


def _unused(store: Store, field: str, name: str, error: str) -> None:
    for cluster in store.clusters.values():
        if cluster.get(field) == name:
            pass_time(store)
            raise ElastiCacheException(error, f"{name} is used by {cluster['CacheClusterId']}.")


def _arn(response: Any, store: Store, kind: str, name: str, asked: Record) -> str:
    arn = f"arn:aws:elasticache:{response.region}:{response.current_account}:{kind}:{name}"
    store.tags[arn] = {tag["Key"]: tag["Value"] for tag in asked.get("Tags", ())}
    return arn


def _node(response: Any, name: str, asked: Record, group: str = "") -> Record:
    end = {"Address": f"{name}.cache.local", "Port": int(asked.get("Port", 6379))}
    parameters = asked.get("CacheParameterGroupName", "default.redis7")
    return {
        "CacheClusterId": name,
        "CacheClusterStatus": "available",
        "CacheNodeType": asked["CacheNodeType"],
        "Engine": asked["Engine"],
        "CacheSubnetGroupName": asked["CacheSubnetGroupName"],
        "SecurityGroups": _security(asked),
        "CacheNodes": [{"CacheNodeId": "0001", "Endpoint": end}],
        "CacheParameterGroup": {"CacheParameterGroupName": parameters},
        "parameters": parameters,
        "ARN": f"arn:aws:elasticache:{response.region}:{response.current_account}:cluster:{name}",
        **({"ReplicationGroupId": group} if group else {}),
    }


def _security(asked: Record) -> list[Record]:
    ids = asked.get("SecurityGroupIds", ())
    return [{"SecurityGroupId": id, "Status": "active"} for id in ids]


def _members(response: Any, name: str, count: int) -> None:
    store = store_of(response)
    record = store.groups[name]
    for old in record.get("MemberClusters", ()):
        del store.clusters[old]
    record["MemberClusters"] = [f"{name}-{number:03}" for number in range(1, count + 1)]
    for member in record["MemberClusters"]:
        store.clusters[member] = _node(response, member, record["asked"], name)


def _modify(record: Record, asked: Record) -> None:
    if "SecurityGroupIds" in asked:
        record["SecurityGroups"] = _security(asked)
    for field in ("CacheNodeType", "Engine"):
        if field in asked:
            record[field] = asked[field]
    if "SnapshotRetentionLimit" in asked:
        record["SnapshotRetentionLimit"] = int(asked["SnapshotRetentionLimit"])
    if "CacheParameterGroupName" in asked:
        name = asked["CacheParameterGroupName"]
        record["parameters"] = name
        record["CacheParameterGroup"] = {"CacheParameterGroupName": name}
