"""ElastiCache: a replication group that survives the loss of a zone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import ignoring
from provisioning.model import Found, Want
from provisioning.resources.cache_access import access_of, is_same_access
from provisioning.resources.cache_change import change_cache_group
from provisioning.resources.cache_states import (
    AT_WORK,
    FAILED,
    cache_clusters,
    cache_replication_groups,
    demand_ours,
    is_ours,
    wait_until_left,
)
from provisioning.resources.cache_token import demand_no_rotation
from provisioning.resources.kind import Kind
from provisioning.resources.secret import secret_value
from provisioning.resources.verdicts import is_version


class CacheGroup(Kind):
    kind = "cache-group"
    absent = frozenset({"ReplicationGroupNotFoundFault"})
    holds_data = True

    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        groups = [group for group in cache_replication_groups(cloud) if self._ours(cloud, group)]
        nodes = {node["CacheClusterId"]: node for node in cache_clusters(cloud)} if groups else {}
        for group in groups:
            members = [nodes[id] for id in group["MemberClusters"] if id in nodes]
            yield self._found(group, members)

    def _ours(self, cloud: Cloud, group: Any) -> bool:
        described = str(group.get("Description", ""))
        return is_ours(
            cloud,
            group["ARN"],
            status=group["Status"],
            looks_ours=described.startswith(f"{cloud.scope.prefix}: "),
        )

    def _found(self, group: Any, members: list[Any]) -> Found:
        shards = group.get("NodeGroups", ())
        endpoint = shards[0].get("PrimaryEndpoint", {}) if shards else {}
        props = {
            **_described(group),
            "members": len(group["MemberClusters"]),
            **_from_member(members[0] if members else {}),
            **({"port": endpoint["Port"]} if "Port" in endpoint else {}),
        }
        return self.found(
            name=group["ReplicationGroupId"],
            id=group["ReplicationGroupId"],
            props=props,
            ready=group["Status"] in AT_WORK,
            more={"arn": group["ARN"], "status": group["Status"]},
            shows={
                "host": endpoint.get("Address", ""),
                "port": endpoint.get("Port", 0),
                "tls": group.get("TransitEncryptionEnabled", False),
                "users": bool(group.get("UserGroupIds")),
            },
        )

    def create_one(self, cloud: Cloud, want: Want) -> str:
        p = want.props
        wait_until_left(cloud, want.name, lambda: _statuses(cloud))
        cloud.elasticache.create_replication_group(
            ReplicationGroupId=want.name,
            ReplicationGroupDescription=f"{cloud.scope.prefix}: {want.hidden['purpose']}",
            Engine=p["engine"],
            EngineVersion=p["version"],
            CacheNodeType=p["type"],
            NumCacheClusters=p["members"],
            AutomaticFailoverEnabled=p["multi_az"],
            MultiAZEnabled=p["multi_az"],
            Port=p["port"],
            CacheParameterGroupName=p["parameters"],
            CacheSubnetGroupName=p["subnets"],
            SecurityGroupIds=sorted(p["groups"]),
            AtRestEncryptionEnabled=p["encrypted_at_rest"],
            TransitEncryptionEnabled=p["encrypted_in_transit"],
            SnapshotRetentionLimit=p["snapshot_days"],
            PreferredMaintenanceWindow=p["maintenance"],
            AutoMinorVersionUpgrade=p["auto_upgrade"],
            Tags=cloud.scope.tags(want.name),
            **self._auth(cloud, want),
            **({"SnapshotWindow": p["snapshot_window"]} if "snapshot_window" in p else {}),
        )
        return want.name

    def _auth(self, cloud: Cloud, want: Want) -> Any:
        """Users by their group, or a token: AWS takes one of both. The token is read from SSM for
        this one call and not kept."""
        if "users" in want.props:
            return {"UserGroupIds": [want.props["users"]]}
        path = want.hidden.get("auth_token")
        return {"AuthToken": secret_value(cloud, path)} if path else {}

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        demand_ours(cloud, found)
        if "access" in changed and found.props["access"] == "token":
            demand_no_rotation(cloud, found)
        change_cache_group(cloud, found, want, changed)

    def is_same(self, name: str, found: Any, wanted: Any) -> bool:
        """For 8.0 AWS returns the full version that it chose: 8.0.1."""
        if name == "access":
            return is_same_access(found, wanted)
        return (
            is_version(found, wanted) if name == "version" else super().is_same(name, found, wanted)
        )

    def is_ready(self, cloud: Cloud, id: str) -> bool:
        return _statuses(cloud).get(id) in AT_WORK

    def delete_one(self, cloud: Cloud, found: Found) -> None:
        """A group without snapshots (the broker's) gets no final one: its data is not needed."""
        keep = found.props.get("snapshot_days") and found.more["status"] not in FAILED
        final = found.shows.get("final_snapshot") if keep else None
        with ignoring("ReplicationGroupNotFoundFault"):
            demand_ours(cloud, found)
            cloud.elasticache.delete_replication_group(
                ReplicationGroupId=found.id,
                **({"FinalSnapshotIdentifier": final} if final else {}),
            )

    def is_gone(self, cloud: Cloud, found: Found) -> bool:
        return found.id not in _statuses(cloud)

    def price_items(self, want: Want) -> Mapping[str, float]:
        return {f"cache/{want.props['type']}": want.props["members"]}


def _statuses(cloud: Cloud) -> dict[str, str]:
    return {g["ReplicationGroupId"]: g["Status"] for g in cache_replication_groups(cloud)}


def _described(group: Any) -> dict[str, Any]:
    """What AWS says of the group itself; of one that is being created it doesn't say all."""
    fields = {
        "type": "CacheNodeType",
        "encrypted_at_rest": "AtRestEncryptionEnabled",
        "encrypted_in_transit": "TransitEncryptionEnabled",
        "snapshot_days": "SnapshotRetentionLimit",
        "snapshot_window": "SnapshotWindow",
        "auto_upgrade": "AutoMinorVersionUpgrade",
    }
    described = {name: group[field] for name, field in fields.items() if field in group}
    multi_az = {"multi_az": group["MultiAZ"] == "enabled"} if "MultiAZ" in group else {}
    return {**described, **multi_az, **access_of(group)}


def _from_member(node: Any) -> dict[str, Any]:
    """Properties that only a group's member nodes have; empty while the group has no member yet."""
    if not node:
        return {}
    return {
        "engine": node["Engine"],
        "version": node["EngineVersion"],
        "maintenance": node["PreferredMaintenanceWindow"],
        "subnets": node["CacheSubnetGroupName"],
        "groups": frozenset(g["SecurityGroupId"] for g in node.get("SecurityGroups", ())),
        "parameters": node["CacheParameterGroup"]["CacheParameterGroupName"],
    }
