"""Snapshots and tags of the test cloud's ElastiCache."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult

from tests.provisioning.elasticache_records import Record, asked_of, store_of, tagged_arn
from tests.provisioning.store_states import begin_state, demand_available

GROUP_BUSY = "InvalidReplicationGroupState"


class SnapshotAnswers:
    """The operations, as functions of moto's response object (whose methods they become)."""

    def create_snapshot(self: Any) -> ActionResult:
        """As AWS' daily one does: the group is `snapshotting` meanwhile."""
        asked = asked_of(self)
        record = store_of(self).groups[asked["ReplicationGroupId"]]
        demand_available(record, GROUP_BUSY)
        begin_state(record, "snapshotting")
        return ActionResult({"Snapshot": add_snapshot(self, asked["SnapshotName"], asked)})

    def describe_snapshots(self: Any) -> ActionResult:
        return ActionResult({"Snapshots": store_of(self).snapshots})

    def list_tags_for_resource(self: Any) -> ActionResult:
        arn, store = asked_of(self)["ResourceName"], store_of(self)
        name = arn.rpartition(":")[2]
        if ":cluster:" in arn:
            demand_available(store.clusters[name], "CacheClusterNotFound")
        elif ":replicationgroup:" in arn:
            demand_available(store.groups[name], GROUP_BUSY)
        tags = store.tags.get(arn, {})
        return ActionResult({"TagList": [{"Key": k, "Value": v} for k, v in tags.items()]})


def add_snapshot(response: Any, name: str, asked: Record) -> Record:
    store = store_of(response)
    arn = tagged_arn(response, store, "snapshot", name, asked)
    store.snapshots.append({"SnapshotName": name, "ARN": arn, "SnapshotStatus": "available"})
    return store.snapshots[-1]
