"""The check after a destroy: all that still has our tags, above all what costs money."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import translated_errors
from provisioning.discovery import discover_resources
from provisioning.kept_secrets import kept_secrets, our_snapshots
from provisioning.resources.cache_groups import cache_tags

BESIDE_SNAPSHOT = "kept secret"


@dataclass(frozen=True, order=True)
class Leftover:
    """`meant` is True for what a destroy keeps intentionally: final snapshots and their
    secrets."""

    what: str
    id: str
    costs: bool
    meant: bool = False


def find_leftovers(cloud: Cloud) -> tuple[Leftover, ...]:
    """All of our resources that still exist, including types that plan and destroy do not
    handle."""
    with translated_errors("Looking for leftovers"):
        known = (
            Leftover(f"{found.kind} {found.name}", found.id, costs=True)
            for found in discover_resources(cloud).values()
        )
        hidden = (*_volumes(cloud), *_snapshots(cloud), *_interfaces(cloud), *_nats(cloud))
        snapshots = frozenset(our_snapshots(cloud))
        stored = (*_database(snapshots), *_kept(cloud, snapshots), *_caches(cloud))
        leftovers = {*known, *hidden, *stored}
        return tuple(
            sorted(
                leftovers
                | set(_any_tagged(cloud, {leftover.id for leftover in leftovers if leftover.id}))
            )
        )


def _any_tagged(cloud: Cloud, known_ids: set[str]) -> Iterator[Leftover]:
    """All other resources with our tags, of any service. AWS' index is minutes late."""
    for arn in cloud.tagged_arns():
        id = re.split("[:/]", arn)[-1]
        if not arn.endswith(tuple(known_ids)) and not _is_gone(cloud, arn, id):
            yield Leftover("tagged resource", arn, costs=True)


def _is_gone(cloud: Cloud, arn: str, id: str) -> bool:
    """Terminated hosts and deleted NAT gateways keep their tags for an hour; they cost nothing."""
    if ":instance/" in arn:
        reservations = cloud.ec2.describe_instances(InstanceIds=[id])["Reservations"]
        return all(h["State"]["Name"] == "terminated" for r in reservations for h in r["Instances"])
    if ":natgateway/" in arn:
        nats = cloud.ec2.describe_nat_gateways(NatGatewayIds=[id])["NatGateways"]
        return all(nat["State"] == "deleted" for nat in nats)
    return False


def _volumes(cloud: Cloud) -> Iterator[Leftover]:
    pages = cloud.ec2.get_paginator("describe_volumes").paginate(Filters=cloud.scope.filters())
    for volume in cloud.scope.only_ours(volume for page in pages for volume in page["Volumes"]):
        if volume["State"] not in ("deleting", "deleted"):
            yield Leftover("volume", volume["VolumeId"], costs=True)


def _snapshots(cloud: Cloud) -> Iterator[Leftover]:
    pages = cloud.ec2.get_paginator("describe_snapshots").paginate(
        OwnerIds=["self"], Filters=cloud.scope.filters()
    )
    for snapshot in cloud.scope.only_ours(
        snapshot for page in pages for snapshot in page["Snapshots"]
    ):
        yield Leftover("disk snapshot", snapshot["SnapshotId"], costs=True)


def _interfaces(cloud: Cloud) -> Iterator[Leftover]:
    """They cost nothing, but block the deletion of subnets and groups."""
    response = cloud.ec2.describe_network_interfaces(Filters=cloud.scope.filters())
    for interface in response["NetworkInterfaces"]:
        yield Leftover("network interface", interface["NetworkInterfaceId"], costs=False)


def _nats(cloud: Cloud) -> Iterator[Leftover]:
    """Also those being deleted: they are billed until they are gone."""
    leaving: Any = {"Filter": cloud.scope.filters(state=["deleting", "failed"])}
    for nat in cloud.scope.only_ours(cloud.ec2.describe_nat_gateways(**leaving)["NatGateways"]):
        yield Leftover("nat (going)", nat["NatGatewayId"], costs=True)


def _database(snapshots: Iterable[str]) -> Iterator[Leftover]:
    for name in snapshots:
        yield Leftover("database snapshot", name, costs=True, meant=_is_final_snapshot(name))


def _kept(cloud: Cloud, snapshots: frozenset[str]) -> Iterator[Leftover]:
    """Secrets beside a snapshot, without which it could not be used."""
    for snapshot, path in kept_secrets(cloud):
        yield Leftover(BESIDE_SNAPSHOT, path, costs=False, meant=snapshot in snapshots)


def _caches(cloud: Cloud) -> Iterator[Leftover]:
    pages = cloud.elasticache.get_paginator("describe_snapshots").paginate()
    for snapshot in (snapshot for page in pages for snapshot in page["Snapshots"]):
        name, tags = snapshot["SnapshotName"], cache_tags(cloud, snapshot.get("ARN", ""))
        if cloud.scope.owns_tags(tags) or (not tags and _is_final_snapshot(name)):
            yield Leftover("cache snapshot", name, costs=True, meant=_is_final_snapshot(name))


def _is_final_snapshot(name: str) -> bool:
    """Whether it is named as executor.py names a final snapshot; ElastiCache's have no tags."""
    return bool(re.search(r"-final-\d{14}$", name))
