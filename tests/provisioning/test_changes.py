"""A changed spec is carried out in the order that AWS demands, and a second apply is empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from provisioning.errors import Impossible
from provisioning.model import Action, Key
from provisioning.spec.model import Image, Spec

pytestmark = pytest.mark.slow

STORE = Key("cache-group", "coupon-store")
BROKER = Key("cache-group", "coupon-broker")
DATABASE = Key("database", "coupon-production-db")
Change = Callable[[Spec], Spec]


def cache(name: str, **changed: Any) -> Change:
    def change(spec: Spec) -> Spec:
        return replace(
            spec,
            caches=tuple(replace(c, **changed) if c.name == name else c for c in spec.caches),
        )

    return change


def database(**changed: Any) -> Change:
    return lambda spec: replace(spec, database=replace(spec.database, **changed))


def windows(**changed: str) -> Change:
    return lambda spec: replace(spec, windows=replace(spec.windows, **changed))


def hosts(role: str, **changed: Any) -> Change:
    def change(spec: Spec) -> Spec:
        return replace(
            spec, hosts=tuple(replace(h, **changed) if h.role == role else h for h in spec.hosts)
        )

    return change


def renamed_subnet(spec: Spec) -> Spec:
    subnets = tuple(
        replace(s, name="other") if s.name == "coupon-app-a" else s for s in spec.network.subnets
    )
    return replace(spec, network=replace(spec.network, subnets=subnets))


def renamed_gateway(spec: Spec) -> Spec:
    return replace(spec, network=replace(spec.network, internet_gateway="other"))


REDIS = {"engine": "redis", "version": "7.1"}
SMALL = {"type": "db.t4g.small", "insights": False}
CHANGES = {
    "a second replica": (None, cache("coupon-store", replicas=2), STORE),
    "one replica fewer": (cache("coupon-store", replicas=2), cache("coupon-store"), STORE),
    "the last replica goes": (None, cache("coupon-store", replicas=0), STORE),
    "a first replica": (cache("coupon-store", replicas=0), cache("coupon-store"), STORE),
    "a larger cache, and replicas": (
        None, cache("coupon-store", type="cache.m7g.xlarge", replicas=0), STORE,
    ),
    "a later version": (None, cache("coupon-store", version="8.1"), STORE),
    "from Redis to Valkey": (cache("coupon-store", **REDIS), cache("coupon-store"), STORE),
    "daily snapshots": (None, cache("coupon-broker", snapshot_days=2), BROKER),
    "a larger class, with insights": (database(**SMALL), database(), DATABASE),
    "a smaller class, without insights": (None, database(**SMALL), DATABASE),
    "a later MySQL, on a larger class": (
        database(version="8.0.35", type="db.t4g.medium"), database(), DATABASE,
    ),
    "a disk grown by less than AWS grows it": (None, database(storage_gb=105), DATABASE),
    "a disk beyond its limit": (None, database(storage_gb=600, max_storage_gb=700), DATABASE),
    "a disk that grows by itself no more": (None, database(max_storage_gb=0), DATABASE),
    "encrypted connections only": (database(require_tls=False), database(), DATABASE),
    "other windows": (
        None, windows(backup="15:00-16:30", maintenance="tue:20:00-tue:21:00"), STORE,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("first", "then", "key"), CHANGES.values(), ids=CHANGES.keys())
def test_a_store_is_changed_in_place(
    production_rig: Any, first: Change | None, then: Change, key: Key
) -> None:
    spec = production_rig.spec
    production_rig.use_spec(first(spec) if first else spec)
    production_rig.build()
    production_rig.use_spec(then(spec))
    planned = {step.key: step.action for step in production_rig.compute_plan().changes}
    assert planned[key] == Action.CHANGE
    production_rig.apply_plan()
    assert production_rig.compute_plan().changes == ()


def test_a_host_gets_another_size_of_its_architecture(production_rig: Any) -> None:
    production_rig.build()
    before = production_rig.find_all()
    production_rig.use_spec(hosts("api", type="c7g.xlarge")(production_rig.spec))
    assert {s.action for s in production_rig.compute_plan().changes} == {Action.CHANGE}
    production_rig.apply_plan()
    assert production_rig.compute_plan().changes == ()
    key = Key("host", "coupon-api-1")
    assert production_rig.find_all()[key].id == before[key].id


def test_a_host_of_another_architecture_or_release_is_replaced(production_rig: Any) -> None:
    production_rig.build()
    spec, before = production_rig.spec, production_rig.find_all()
    key = Key("host", "coupon-monitor")
    for changed in (
        hosts("monitor", type="t3.small")(spec),
        replace(spec, image=Image(release="26.04")),
        replace(spec, image=Image(ami="ami-other")),
    ):
        production_rig.use_spec(changed)
        planned = {step.key: step.action for step in production_rig.compute_plan().changes}
        assert planned[key] == Action.REPLACE
    production_rig.use_spec(hosts("monitor", type="t3.small")(spec))
    production_rig.apply_plan()
    assert production_rig.compute_plan().changes == ()
    assert production_rig.find_all()[key].id != before[key].id


def test_a_hosts_disk_grows_in_place(production_rig: Any) -> None:
    production_rig.build()
    production_rig.use_spec(hosts("monitor", disk_gb=60)(production_rig.spec))
    production_rig.apply_plan()
    assert production_rig.compute_plan().changes == ()
    volumes = production_rig.cloud.ec2.describe_volumes()["Volumes"]
    assert sorted(volume["Size"] for volume in volumes)[-1] == 60


def test_a_disk_that_grew_by_itself_is_as_wanted(production_rig: Any) -> None:
    production_rig.build()
    for size in (300, 500):  # below its limit, and at it: then AWS describes no limit
        production_rig.cloud.rds.modify_db_instance(
            DBInstanceIdentifier=DATABASE.name, AllocatedStorage=size, ApplyImmediately=True
        )
        production_rig.apply_plan()
        assert production_rig.find_all()[DATABASE].props["storage_gb"] == size
        assert production_rig.compute_plan().changes == ()


REFUSED = {
    "a smaller disk": (database(storage_gb=90, max_storage_gb=0), "can't shrink from 100 to 90 GB"),
    "an older MySQL": (database(version="8.0.35"), "can't go back from 8.4 to 8.0.35"),
    "an older Valkey": (cache("coupon-store", version="7.2"), "can't go back from 8.0.0 to 7.2"),
    "Redis again": (cache("coupon-store", **REDIS), "can't become redis again"),
    "a host's smaller disk": (hosts("monitor", disk_gb=20), "can't shrink from 40 to 20 GB"),
    "another schema": (database(schema="other"), "schema can't be changed in place, and it holds"),
    "another database": (database(name="other-db"), "it is wanted no more, and it holds data"),
    "a renamed subnet": (renamed_subnet, "its range is that of coupon-app-a"),
    "a renamed gateway": (renamed_gateway, "a VPC has one gateway"),
}


@pytest.mark.parametrize(("change", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_aws_does_not_allow_is_refused_before_anything_is_done(
    production_rig: Any, change: Change, sentence: str
) -> None:
    production_rig.build()
    production_rig.use_spec(change(production_rig.spec))
    with pytest.raises(Impossible) as refused:
        production_rig.apply_plan()
    assert sentence in str(refused.value)
    assert production_rig.cloud.writes == []
