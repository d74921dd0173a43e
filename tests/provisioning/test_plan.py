"""The plan is a pure function: tested here without a cloud, also for cases that moto can't show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from provisioning.blueprint.environment import build_blueprint
from provisioning.cost import estimate_cost
from provisioning.dependency_order import Half, tasks_of
from provisioning.errors import Impossible
from provisioning.model import Action, Found, Key, Plan, Ref, Want, resolve_references
from provisioning.plan import demand_possible, in_order, make_plan, reversed_plan
from provisioning.resources.catalogue import BY_NAME, KINDS
from provisioning.resources.change_table import TABLE
from provisioning.resources.verdicts import REPLACED
from provisioning.spec.model import Edge, Image
from tests.provisioning import specs

OPERATOR = "198.51.100.7/32"


def wants_of(name: str) -> tuple[Want, ...]:
    return build_blueprint(specs.environment_spec(name, OPERATOR))


def as_built(wants: tuple[Want, ...]) -> dict[Key, Found]:
    """What AWS would answer if everything were as wanted (without dashboards, whose answer is
    JSON)."""
    wants = tuple(replace(w, props={}) if w.kind == "dashboard" else w for w in wants)
    ids = {want.key: f"id-of-{want.key}" for want in wants}
    return {
        want.key: Found(
            kind=want.kind,
            name=want.name,
            id=ids[want.key],
            props=resolve_references(want.props, ids),
        )
        for want in wants
    }


def with_changed_props(found: Mapping[Key, Found], key: Key, **props: Any) -> dict[Key, Found]:
    return {**found, key: replace(found[key], props={**found[key].props, **props})}


@pytest.fixture(params=["hello", "production"])
def wants_of_environment(request: pytest.FixtureRequest) -> tuple[Want, ...]:
    return wants_of(request.param)


def test_every_reference_is_to_something_wanted(wants_of_environment: tuple[Want, ...]) -> None:
    there = {want.key for want in wants_of_environment}
    assert len(there) == len(wants_of_environment)
    for want in wants_of_environment:
        assert want.needs() <= there, want.key


def test_nothing_comes_before_what_it_needs(wants_of_environment: tuple[Want, ...]) -> None:
    place = {key: number for number, key in enumerate(in_order(wants_of_environment))}
    for want in wants_of_environment:
        assert all(place[need] < place[want.key] for need in want.needs())


def test_from_nothing_all_is_created(wants_of_environment: tuple[Want, ...]) -> None:
    plan = make_plan(wants_of_environment, {})
    assert {step.action for step in plan.steps} == {Action.CREATE}
    assert len(plan.steps) == len(wants_of_environment)


def test_destroy_is_the_plan_reversed(wants_of_environment: tuple[Want, ...]) -> None:
    found = as_built(wants_of_environment)
    down = [step.key for step in reversed_plan(wants_of_environment, found).steps]
    assert set(down) == {want.key for want in wants_of_environment}
    place = {key: number for number, key in enumerate(down)}
    for want in wants_of_environment:
        assert all(place[want.key] < place[need] for need in want.needs())
    tasks = tasks_of(reversed_plan(wants_of_environment, found))
    for task, first in tasks.items():
        needers = {other.step.key for other in first}
        direct = {want.key for want in wants_of_environment if task.step.key in want.needs()}
        assert direct <= needers


def test_all_as_wanted_keeps_all() -> None:
    wants = wants_of("hello")
    assert make_plan(wants, as_built(wants)).changes == ()


def test_what_is_still_in_the_making_is_waited_for() -> None:
    wants = wants_of("hello")
    found = as_built(wants)
    key = Key("database", "coupon-db")
    found[key] = replace(found[key], ready=False)
    assert [(s.key, s.action) for s in make_plan(wants, found).changes] == [(key, Action.WAIT)]


def test_a_half_made_one_is_judged_only_when_ready_but_a_fixed_difference_at_once() -> None:
    wants = wants_of("hello")
    key = Key("host", "coupon-api")
    found = with_changed_props(as_built(wants), key, groups=frozenset())
    found[key] = replace(found[key], ready=False)
    assert [s.action for s in make_plan(wants, found).changes] == [Action.WAIT]
    found = with_changed_props(found, key, subnet="subnet-elsewhere")
    assert [s.action for s in make_plan(wants, found).changes] == [Action.REPLACE]


def test_a_changeable_property_changes_in_place() -> None:
    wants = wants_of("hello")
    found = with_changed_props(as_built(wants), Key("host", "coupon-api"), type="t2.small")
    steps = make_plan(wants, found).changes
    assert [(str(s.key), s.action) for s in steps] == [("host coupon-api", Action.CHANGE)]


def test_a_replaced_vpc_replaces_what_stands_in_it() -> None:
    wants = wants_of("hello")
    found = with_changed_props(as_built(wants), Key("vpc", "hello-vpc"), cidr="10.5.0.0/16")
    plan = make_plan(wants, found)
    by_action = {
        action: {s.key.kind for s in plan.changes if s.action is action} for action in Action
    }
    assert by_action[Action.REPLACE] == {
        "vpc", "subnet", "route-table", "default-group", "rules", "host",
    }  # fmt: skip
    assert by_action[Action.CHANGE] == {
        "internet-gateway", "cache-subnets", "db-subnets", "cache-node", "database",
    }  # fmt: skip


def test_a_replacement_removes_needers_first_and_makes_needs_first() -> None:
    wants = wants_of("hello")
    subnet = Key("subnet", "hello-public-subnet")
    plan = make_plan(wants, with_changed_props(as_built(wants), subnet, cidr="10.0.7.0/24"))
    tasks = tasks_of(plan)
    named = {(task.half, task.step.key): task for task in tasks}
    host = Key("host", "coupon-api")
    assert named[Half.DROP, host] in tasks[named[Half.DROP, subnet]]
    assert named[Half.DROP, subnet] in tasks[named[Half.MAKE, subnet]]
    assert named[Half.MAKE, subnet] in tasks[named[Half.MAKE, host]]
    assert named[Half.DROP, host] in tasks[named[Half.MAKE, host]]


def test_what_the_spec_has_no_more_is_removed_last() -> None:
    wants = wants_of("hello")
    extra = Found(kind="host", name="old", id="i-old", props={})
    plan = make_plan(wants, {**as_built(wants), extra.key: extra})
    assert [(s.key, s.action) for s in plan.changes] == [(extra.key, Action.DELETE)]
    fresh = make_plan(wants, {extra.key: extra})
    assert fresh.steps[-1].key == extra.key
    tasks = tasks_of(fresh)
    last = next(task for task in tasks if task.half is Half.DROP)
    assert len(tasks[last]) == len(wants)


def test_a_protected_database_is_never_replaced() -> None:
    wants = wants_of("production")
    found = with_changed_props(
        as_built(wants), Key("database", "coupon-production-db"), encrypted=False
    )
    plan = make_plan(wants, found)
    with pytest.raises(Impossible, match="holds data and is protected"):
        demand_possible(plan)
    unprotected = with_changed_props(
        found, Key("database", "coupon-production-db"), protected=False
    )
    demand_possible(make_plan(wants, unprotected))


def test_what_aws_does_not_tell_is_not_compared() -> None:
    wants = wants_of("hello")
    found = as_built(wants)
    key = Key("cache-node", "coupon-redis")
    told = {name: value for name, value in found[key].props.items() if name != "port"}
    found[key] = replace(found[key], props=told)
    assert make_plan(wants, found).changes == ()


def test_a_minor_version_taken_by_aws_is_as_wanted() -> None:
    wants = wants_of("production")
    key = Key("database", "coupon-production-db")
    assert make_plan(wants, with_changed_props(as_built(wants), key, version="8.4.6")).changes == ()
    newer = make_plan(wants, with_changed_props(as_built(wants), key, version="8.5.1")).refusals
    assert [step.key for step in newer] == [key]
    older = make_plan(wants, with_changed_props(as_built(wants), key, version="8.0.35")).changes
    assert [step.action for step in older if step.key == key] == [Action.CHANGE]


def test_late_properties_are_known_at_birth() -> None:
    for kind in KINDS:
        assert kind.late == kind.born.keys(), kind.kind
        rules = TABLE[kind.kind]
        assert not any(rules[name] is REPLACED for name in kind.late), kind.kind


def test_every_property_of_every_kind_is_in_the_change_table() -> None:
    wanted: dict[str, set[str]] = {kind.kind: set() for kind in KINDS}
    certificate, image = "arn:aws:acm:ap-northeast-2:1:certificate/1", Image(ami="ami-1")
    full = specs.environment_spec("production", OPERATOR)
    assert full.balancer
    assert full.watch
    full = replace(
        full,
        image=image,
        balancer=replace(full.balancer, certificate_arn=certificate),
        watch=replace(full.watch, emails=("ops@shop.example",)),
        edge=Edge(name="edge", certificate_arn=certificate),
    )
    for want in (*wants_of("hello"), *wants_of("production"), *build_blueprint(full)):
        wanted[want.kind] |= want.props.keys()
    assert {kind: set(rules) for kind, rules in TABLE.items()} == wanted


def test_every_wanted_kind_is_in_the_catalogue(wants_of_environment: tuple[Want, ...]) -> None:
    assert {want.kind for want in wants_of_environment} <= BY_NAME.keys()


def test_a_plan_is_the_same_whenever_it_is_made(wants_of_environment: tuple[Want, ...]) -> None:
    assert make_plan(wants_of_environment, {}) == make_plan(
        tuple(reversed(wants_of_environment)), {}
    )


def test_the_estimate_adds_up_and_says_its_date() -> None:
    cost = estimate_cost(wants_of("production"))
    assert cost.as_of
    assert cost.source
    lines = {line.item: line for line in cost.lines}
    assert lines["nat"].units == 2
    assert lines["ec2/c7g.large"].units == 4
    assert lines["cache/cache.m7g.large"].units == 2
    assert lines["db/db.m7g.large"].units == 2, "Multi-AZ is two machines"
    assert lines["nat"].monthly == pytest.approx(2 * 730 * 0.059)
    assert cost.monthly == pytest.approx(sum(line.monthly for line in cost.lines))
    assert "mysql80_vcpu" not in lines
    assert "mysql80_vcpu" in {line.item for line in estimate_cost(wants_of("hello")).lines}


def test_references_resolve_however_deep() -> None:
    ref = Ref("vpc", "v")
    wanted = {"a": [ref], "b": frozenset({("tcp", ref)}), "c": {"d": ref}}
    assert resolve_references(wanted, {ref.key: "vpc-1"}) == {
        "a": ("vpc-1",),
        "b": frozenset({("tcp", "vpc-1")}),
        "c": {"d": "vpc-1"},
    }


def test_an_empty_plan_is_no_work() -> None:
    assert tasks_of(Plan(())) == {}
