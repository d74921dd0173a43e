"""Refusals that AWS makes and moto doesn't: removing what is in use, a database in one zone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.responses.instances import InstanceResponse
from moto.elasticache.models import elasticache_backends
from moto.elbv2.models import ELBv2Backend, elbv2_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.rds.exceptions import RDSClientError
from moto.rds.models import RDSBackend, rds_backends

from tests.provisioning import (
    change_refusals,
    edge_refusals,
    elasticache_records,
    elasticache_store,
    engine_defaults,
    host_monitoring,
    kept_tags,
    memoized,
    price_list,
    printed_keys,
    real_hosts,
    refused_names,
    store_states,
    target_states,
)
from tests.provisioning.late_visibility import LateVisibility
from tests.provisioning.lingering import leave_interfaces, lingering_interfaces


def strict_application() -> Any:
    """moto's whole application, patched."""
    memoized.install_caches()
    elasticache_store.install_elasticache()
    kept_tags.install_tags()
    real_hosts.install_host_reports()
    printed_keys.install_consoles()
    refused_names.refuse_ill_names()
    engine_defaults.install_engine_defaults()
    _patch(EC2Backend, "delete_subnet", _subnet_free)
    _patch(EC2Backend, "delete_security_group", _group_free)
    _patch(EC2Backend, "detach_internet_gateway", _nobody_public)
    _patch(ELBv2Backend, "delete_load_balancer", _leave_balancers_interfaces)
    _patch(RDSBackend, "delete_db_instance", _leave_databases_interfaces)
    _patch(EC2Backend, "create_nat_gateway", _way_out_exists)
    _patch(EC2Backend, "release_address", _address_free)
    _patch(RDSBackend, "create_subnet_group", _two_zones)
    _patch(RDSBackend, "delete_subnet_group", _subnet_group_free)
    _patch(RDSBackend, "delete_db_parameter_group", _parameter_group_free)
    _keep_protection()
    _keep_insights()
    change_refusals.install_change_refusals()
    edge_refusals.install_edge_refusals()
    host_monitoring.install_monitoring()
    store_states.install_database_states()
    target_states.install_capacity()
    target_states.install_draining()
    app = DomainDispatcherApplication(create_backend_app)
    app.debug = True  # type: ignore[attr-defined]
    return price_list.served_beside(one_at_a_time(LateVisibility(app)))


def one_at_a_time(app: Any) -> Any:
    """moto keeps its account in plain dictionaries, which concurrent calls may change during an
    iteration. AWS has no such failure; in one process it costs nothing to wait."""
    turn = threading.Lock()

    def call_in_turn(environ: Any, start_response: Any) -> Any:
        with turn:
            return app(environ, start_response)

    return call_in_turn


def _patch(owner: Any, name: str, check: Any) -> None:
    real = getattr(owner, name)

    def checked_call(self: Any, *args: Any, **named: Any) -> Any:
        check(self, *args, **named)
        return real(self, *args, **named)

    setattr(owner, name, checked_call)


def _keep_protection() -> None:
    """RunInstances' DisableApiTermination, which moto drops."""
    asked = threading.local()
    answer, launch = InstanceResponse.run_instances, EC2Backend.run_instances

    def record_protection(self: Any) -> Any:
        asked.protected = self._get_bool_param("DisableApiTermination")
        return answer(self)

    def launch_with_protection(self: Any, *args: Any, **named: Any) -> Any:
        return launch(self, *args, **named, disable_api_termination=asked.protected)

    InstanceResponse.run_instances = record_protection  # type: ignore[method-assign]
    EC2Backend.run_instances = launch_with_protection  # type: ignore[method-assign]


def _keep_insights() -> None:
    """RDS' EnablePerformanceInsights, which moto drops."""
    for name in ("create_db_instance", "modify_db_instance"):
        real = getattr(RDSBackend, name)

        def create_with_insights(self: Any, *args: Any, real: Any = real, **named: Any) -> Any:
            asked = args[-1] if args else named["db_kwargs"]
            database = real(self, *args, **named)
            if "enable_performance_insights" in asked:
                database.performance_insights_enabled = asked["enable_performance_insights"]
            return database

        setattr(RDSBackend, name, create_with_insights)


def _living(backend: Any) -> Iterator[Any]:
    for instance in backend.all_instances():
        if instance.state != "terminated":
            yield instance


def _subnet_free(backend: Any, subnet_id: str) -> None:
    users = [one.id for one in _living(backend) if one.subnet_id == subnet_id]
    users += [
        nat.id
        for nat in backend.nat_gateways.values()
        if nat.subnet_id == subnet_id and nat.state != "deleted"
    ]
    users += [name for name, ids, _ in _placed(backend) if subnet_id in ids]
    if users:
        raise DependencyViolationError(f"{subnet_id} is used by {', '.join(users)}")


def _group_free(backend: Any, name: str | None = None, group_id: str | None = None) -> None:
    users = [
        one.id
        for one in _living(backend)
        if group_id in {group.id for group in one.security_groups}
    ]
    users += [name for name, _, groups in _placed(backend) if group_id in groups]
    users += [
        one.id
        for groups in backend.groups.values()
        for one in groups.values()
        if _names(one, group_id)
    ]
    if users:
        raise DependencyViolationError(f"{group_id} is used by {', '.join(users)}")


def _names(other: Any, group_id: str | None) -> bool:
    """Whether a rule of another group, in either direction, names this one: AWS deletes no group
    that is named, so two groups that name each other go only after their rules."""
    rules = (*other.ingress_rules, *other.egress_rules)
    peers = {rule.source_group.get("GroupId") for rule in rules}
    return other.id != group_id and group_id in peers


def _placed(backend: Any) -> Iterator[tuple[str, set[str], set[str]]]:
    """(name, subnets, groups) of every store and balancer in the region, and of what they left."""
    yield from lingering_interfaces(backend)
    account, region = backend.account_id, backend.region_name
    store_states.pass_database_time(rds_backends[account][region])
    for one in rds_backends[account][region].databases.values():
        subnets = {subnet.id for subnet in one.db_subnet_group._subnets}
        yield one.db_instance_identifier, subnets, set(one.vpc_security_group_ids)
    kept = elasticache_records.store_behind(elasticache_backends[account][region])
    store_states.pass_time(kept)
    for name, node in kept.clusters.items():
        group = kept.subnets[node["CacheSubnetGroupName"]]
        subnets = {subnet["SubnetIdentifier"] for subnet in group["Subnets"]}
        yield name, subnets, {one["SecurityGroupId"] for one in node["SecurityGroups"]}
    for balancer in elbv2_backends[account][region].load_balancers.values():
        subnets = {subnet.id for subnet in balancer.subnets}
        yield balancer.name, subnets, set(balancer.security_groups)


def _nobody_public(backend: Any, internet_gateway_id: str, vpc_id: str) -> None:
    hosts = [h.id for h in _living(backend) if h.vpc_id == vpc_id and h.public_ip]
    nats = [
        nat.id
        for nat in backend.nat_gateways.values()
        if nat.state != "deleted" and nat.vpc_id == vpc_id
    ]
    left = [
        name
        for name, subnets, _ in lingering_interfaces(backend)
        if subnets & _subnets(backend, vpc_id)
    ]
    if hosts or nats or left:
        used = hosts + nats + left
        raise DependencyViolationError(f"{vpc_id} has some mapped public address(es): {used}")


def _subnets(backend: Any, vpc_id: str) -> set[str]:
    return {one.id for one in backend.describe_subnets() if one.vpc_id == vpc_id}


def _leave_balancers_interfaces(balancers: Any, arn: str) -> None:
    """With their public addresses."""
    if arn in balancers.load_balancers:
        one = balancers.load_balancers[arn]
        subnets = {subnet.id for subnet in one.subnets}
        leave_interfaces(balancers, f"ELB {one.name}", subnets, set(one.security_groups))


def _leave_databases_interfaces(
    backend: Any, db_instance_identifier: str, *_: Any, **__: Any
) -> None:
    if db_instance_identifier in backend.databases:
        one = backend.databases[db_instance_identifier]
        subnets = {subnet.id for subnet in one.db_subnet_group._subnets}
        groups = set(one.vpc_security_group_ids)
        leave_interfaces(backend, f"RDS {db_instance_identifier}", subnets, groups)


def _way_out_exists(backend: Any, subnet_id: str, *_: Any, **__: Any) -> None:
    vpc = backend.get_subnet(subnet_id).vpc_id
    attached = [one.vpc.id for one in backend.internet_gateways.values() if one.vpc]
    if vpc not in attached:
        raise EC2ClientError("Gateway.NotAttached", f"{vpc} has no Internet gateway attached")


def _address_free(backend: Any, address: Any = None, allocation_id: str | None = None) -> None:
    for nat in backend.nat_gateways.values():
        used = {one.get("allocationId") for one in nat.address_set}
        if nat.state != "deleted" and allocation_id in used:
            raise EC2ClientError("InvalidIPAddress.InUse", f"{allocation_id} is used by {nat.id}")


def _two_zones(backend: Any, *args: Any, **named: Any) -> None:
    subnets = named.get("subnets") or args[2]
    if len({subnet.availability_zone for subnet in subnets}) < 2:
        raise RDSClientError(
            "DBSubnetGroupDoesNotCoverEnoughAZs", "Subnets must cover at least two zones."
        )


def _subnet_group_free(backend: Any, subnet_name: str) -> None:
    for one in backend.databases.values():
        if one.db_subnet_group.name == subnet_name:
            store_states.pass_database_time(backend)
            raise RDSClientError("InvalidDBSubnetGroupStateFault", f"{subnet_name} is in use.")


def _parameter_group_free(backend: Any, db_parameter_group_name: str) -> None:
    for one in backend.databases.values():
        if one.db_parameter_group_name == db_parameter_group_name:
            store_states.pass_database_time(backend)
            raise RDSClientError(
                "InvalidDBParameterGroupState", f"{db_parameter_group_name} is in use."
            )
