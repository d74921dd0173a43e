"""Stores in every state: found, waited for, destroyed in one run; a stranger's is never touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from provisioning.errors import Incomplete
from provisioning.model import Action, Key, Plan
from provisioning.plan import make_plan, reversed_plan
from provisioning.resources.catalogue import BY_NAME
from provisioning.resources.kind import resolved_want

pytestmark = pytest.mark.slow

STORE = Key("cache-group", "coupon-store")
DATABASE = Key("database", "coupon-production-db")


def begin_deletion(rig: Any) -> None:
    """As a run that is killed right after these calls."""
    rig.cloud.elasticache.delete_replication_group(ReplicationGroupId=STORE.name)
    rig.cloud.rds.modify_db_instance(
        DBInstanceIdentifier=DATABASE.name, DeletionProtection=False, ApplyImmediately=True
    )
    while not BY_NAME["database"].is_ready(rig.cloud, DATABASE.name):
        pass
    rig.cloud.rds.delete_db_instance(DBInstanceIdentifier=DATABASE.name, SkipFinalSnapshot=True)


def begin_creation(rig: Any) -> None:
    ids = {key: found.id for key, found in rig.find_all().items()}
    begin_deletion(rig)
    for want in (want for want in rig.wants if want.key in (STORE, DATABASE)):
        BY_NAME[want.kind].create_one(rig.cloud, resolved_want(want, ids))


def begin_change(rig: Any) -> None:
    rig.cloud.elasticache.modify_replication_group(
        ReplicationGroupId=STORE.name, SnapshotRetentionLimit=9, ApplyImmediately=True
    )
    rig.cloud.rds.modify_db_instance(
        DBInstanceIdentifier=DATABASE.name, BackupRetentionPeriod=9, ApplyImmediately=True
    )


def begin_snapshot(rig: Any) -> None:
    rig.cloud.elasticache.create_snapshot(ReplicationGroupId=STORE.name, SnapshotName="daily")
    rig.cloud.rds.create_db_snapshot(
        DBInstanceIdentifier=DATABASE.name, DBSnapshotIdentifier="daily"
    )


STATES = pytest.mark.parametrize(
    "begin", [begin_creation, begin_change, begin_snapshot, begin_deletion]
)


@STATES
def test_destroy_leaves_nothing_in_one_run(
    production_rig: Any, begin: Callable[[Any], None]
) -> None:
    production_rig.build()
    begin(production_rig)
    production_rig.destroy_all()
    assert production_rig.find_all() == {}
    cloud = production_rig.cloud
    assert cloud.elasticache.describe_replication_groups()["ReplicationGroups"] == []
    assert cloud.elasticache.describe_cache_clusters()["CacheClusters"] == []
    assert cloud.rds.describe_db_instances()["DBInstances"] == []


@STATES
def test_apply_waits_and_then_all_is_as_wanted(
    production_rig: Any, begin: Callable[[Any], None], state_of: Any
) -> None:
    production_rig.build()
    wanted = state_of(production_rig.find_all())
    begin(production_rig)
    production_rig.apply_plan()
    assert production_rig.compute_plan().changes == ()
    assert state_of(production_rig.find_all()) == wanted


def test_a_store_is_found_while_aws_is_at_work_on_it(production_rig: Any) -> None:
    production_rig.build()
    begin_snapshot(production_rig)
    assert production_rig.compute_plan().changes == (), "the daily snapshot is no drift"
    begin_creation_of_a_node = production_rig.cloud.elasticache.create_cache_cluster
    begin_creation_of_a_node(
        CacheClusterId="ours", Engine="redis", CacheNodeType="cache.t4g.small", NumCacheNodes=1,
        CacheSubnetGroupName="coupon-cache-subnets", SecurityGroupIds=[],
        Tags=production_rig.cloud.scope.tags("ours"),
    )  # fmt: skip
    found = production_rig.find_all()[Key("cache-node", "ours")]
    assert not found.ready
    production_rig.destroy_all()
    assert production_rig.find_all() == {}


def test_a_strangers_store_is_left_alone_whatever_it_looks_like(production_rig: Any) -> None:
    """While it is being created, nothing but its description says whose it is."""
    production_rig.build()
    caches = production_rig.cloud.elasticache
    begin_deletion(production_rig)
    while STORE.name in str(caches.describe_replication_groups()["ReplicationGroups"]):
        pass
    caches.create_replication_group(
        ReplicationGroupId=STORE.name, ReplicationGroupDescription="coupon-production: theirs",
        Engine="redis", CacheNodeType="cache.t4g.small", NumCacheClusters=1,
        CacheSubnetGroupName="coupon-cache-subnets",
        AtRestEncryptionEnabled=True, TransitEncryptionEnabled=True,
    )  # fmt: skip
    found = production_rig.find_all()
    assert not found[STORE].ready
    steps = make_plan(production_rig.wants, found).changes
    plan = Plan(tuple(step for step in steps if step.key == STORE))
    assert [step.action for step in plan.steps] == [Action.WAIT]
    with pytest.raises(Incomplete, match="doesn't have our tags"):
        production_rig.execute_steps(plan, found)
    with pytest.raises(Incomplete, match="doesn't have our tags"):
        production_rig.execute_steps(reversed_plan((), {STORE: found[STORE]}), found)
    assert STORE not in production_rig.find_all()
    assert [
        one["SnapshotRetentionLimit"]
        for one in caches.describe_replication_groups()["ReplicationGroups"]
        if one["ReplicationGroupId"] == STORE.name
    ] == [0]
