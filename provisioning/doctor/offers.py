"""Checks that AWS offers the sizes, versions and images of the spec, in its zones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioning.aws import Cloud
from provisioning.doctor.finding import BAD, OK, UNKNOWN, Finding, judged_finding, make_finding
from provisioning.resources.database import STORAGE
from provisioning.resources.image import image_for
from provisioning.spec.model import Cache, Spec

Answer = tuple[str, str]


def check_offers(spec: Spec, cloud: Cloud) -> Iterator[Finding]:
    yield make_finding("zones", lambda: _zones(spec, cloud))
    for type in sorted({hosts.type for hosts in spec.hosts}):
        yield make_finding(f"size {type}", lambda type=type: _offered(spec, cloud, type))  # type: ignore[misc]
        yield make_finding(f"image for {type}", lambda type=type: _image(spec, cloud, type))  # type: ignore[misc]
    yield make_finding("database", lambda: _database(spec, cloud))
    for cache in spec.caches:
        yield make_finding(f"cache {cache.name}", lambda cache=cache: _cache(cloud, cache))  # type: ignore[misc]
    if spec.balancer and (arn := spec.balancer.certificate_arn):
        yield make_finding("certificate", lambda: _certificate(cloud, arn))
    if spec.edge:
        edge_arn = spec.edge.certificate_arn
        yield make_finding("edge certificate", lambda: _certificate(cloud, edge_arn))


def _zones(spec: Spec, cloud: Cloud) -> Answer:
    wanted = {f"{spec.environment.region}{s.zone}" for s in spec.network.subnets}
    answer = cloud.ec2.describe_availability_zones()["AvailabilityZones"]
    available = {zone["ZoneName"] for zone in answer if zone["State"] == "available"}
    missing = sorted(wanted - available)
    text = f"missing: {', '.join(missing)}" if missing else ", ".join(sorted(wanted))
    return judged_finding(not missing), text


def _offered(spec: Spec, cloud: Cloud, type: str) -> Answer:
    tiers = {hosts.tier for hosts in spec.hosts if hosts.type == type}
    wanted = {f"{spec.environment.region}{s.zone}" for s in spec.tier(*tiers)}
    answer = cloud.ec2.describe_instance_type_offerings(
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": [type]}],
    )["InstanceTypeOfferings"]
    missing = sorted(wanted - {offer["Location"] for offer in answer})
    return judged_finding(
        not missing
    ), f"not offered in {', '.join(missing)}" if missing else "offered"


def _image(spec: Spec, cloud: Cloud, type: str) -> Answer:
    return OK, image_for(cloud, release=spec.image.release, type=type, ami=spec.image.ami).id


def _database(spec: Spec, cloud: Cloud) -> Answer:
    """Checks version and size together, and that enough of the subnets' zones offer them."""
    wanted = spec.database
    options = _orderable(cloud, wanted.type)
    if not options and not _any_orderable(cloud):
        return UNKNOWN, "RDS lists no MySQL at all that can be ordered here; apply finds it out"
    what = f"{wanted.type} with MySQL {wanted.version}"
    options = [o for o in options if _is_release(o["EngineVersion"], wanted.version)]
    if not options:
        return BAD, f"{what} can not be ordered"
    zones = {f"{spec.environment.region}{s.zone}" for s in spec.tier(*wanted.tiers)}
    offered = {zone["Name"] for o in options for zone in o["AvailabilityZones"]}
    if len(zones & offered) < (2 if wanted.multi_az else 1):
        is_in = f"is offered in {', '.join(sorted(offered)) or 'no zone'}"
        return BAD, f"{what} {is_in}; its subnets are in {', '.join(sorted(zones))}"
    return OK, f"{what} can be ordered"


def _orderable(cloud: Cloud, size: str) -> list[Any]:
    """RDS' options of this size with our kind of disk: of all pages, a hundred on each."""
    pages = cloud.rds.get_paginator("describe_orderable_db_instance_options").paginate(
        Engine="mysql", DBInstanceClass=size, Vpc=True
    )
    options = [option for page in pages for option in page["OrderableDBInstanceOptions"]]
    return [option for option in options if option["StorageType"] == STORAGE]


def _any_orderable(cloud: Cloud) -> bool:
    answer = cloud.rds.describe_orderable_db_instance_options(Engine="mysql", MaxRecords=20)
    return bool(answer["OrderableDBInstanceOptions"])


def _is_release(version: str, wanted: str) -> bool:
    """Whether it is the wanted version, or one of the wanted release: 8.4.6 is one of 8.4."""
    return f"{version}.".startswith(f"{wanted}.")


def _cache(cloud: Cloud, cache: Cache) -> Answer:
    """Checks the engine's version only: ElastiCache has no list of sizes that can be ordered."""
    pages = cloud.elasticache.get_paginator("describe_cache_engine_versions").paginate(
        Engine=cache.engine
    )
    versions = {each["EngineVersion"] for page in pages for each in page["CacheEngineVersions"]}
    is_offered = any(_is_release(version, cache.version) for version in versions)
    offered = (
        "offered" if is_offered else f"not among {', '.join(sorted(versions)) or 'none at all'}"
    )
    return judged_finding(
        is_offered
    ), f"{cache.engine} {cache.version} is {offered}; its size isn't checked"


def _certificate(cloud: Cloud, arn: str) -> Answer:
    status = cloud.certificate_status(arn)
    return judged_finding(status == "ISSUED"), f"{arn} is {status}"
