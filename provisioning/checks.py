"""doctor's questions: each asks AWS something read-only or DryRun and returns one finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from provisioning.aws import Cloud, told, would_be_allowed
from provisioning.errors import ProvisioningError
from provisioning.resources.image import image_for
from provisioning.spec.model import Spec

VCPU_QUOTA = "L-1216C47A"  # Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances
VCPUS = {"micro": 2, "small": 2, "medium": 2, "large": 2, "xlarge": 4, "2xlarge": 8}


@dataclass(frozen=True)
class Finding:
    """`verdict` is ok, bad or unknown (AWS didn't answer; said, never taken for ok)."""

    verdict: str
    what: str
    told: str


def examine(spec: Spec, cloud: Cloud) -> Iterator[Finding]:
    """One finding after the other, so that a slow one doesn't hide the rest."""
    first = _ask("credentials", lambda: _credentials(cloud))
    yield first
    if first.verdict != "ok":
        return  # nothing else can be known
    yield _ask("zones", lambda: _zones(spec, cloud))
    for type in sorted({hosts.type for hosts in spec.hosts}):
        yield _ask(f"size {type}", lambda type=type: _offered(spec, cloud, type))  # type: ignore[misc]
        yield _ask(f"image for {type}", lambda type=type: _image(spec, cloud, type))  # type: ignore[misc]
    yield _ask("vCPU quota", lambda: _vcpus(spec, cloud))
    yield _ask("address quota", lambda: _addresses(spec, cloud))
    yield _ask("database", lambda: _database(spec, cloud))
    for name, call in dry_runs(spec, cloud).items():
        yield _ask(f"permission {name}", lambda name=name, call=call: _allowed(name, call))  # type: ignore[misc]
    yield from _other_permissions(cloud)


def _ask(what: str, check: Callable[[], tuple[bool, str]]) -> Finding:
    try:
        with told(what):
            good, sentence = check()
    except ProvisioningError as refused:
        denied = getattr(refused, "aws_code", "") in DENIALS
        return Finding("bad" if denied or what == "credentials" else "unknown", what, str(refused))
    return Finding("ok" if good else "bad", what, sentence)


DENIALS = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "AuthFailure")


def _credentials(cloud: Cloud) -> tuple[bool, str]:
    who = cloud.sts.get_caller_identity()
    return True, f"{who['Arn']} in account {who['Account']}"


def _zones(spec: Spec, cloud: Cloud) -> tuple[bool, str]:
    wanted = {f"{spec.environment.region}{s.zone}" for s in spec.network.subnets}
    answer = cloud.ec2.describe_availability_zones()["AvailabilityZones"]
    there = {zone["ZoneName"] for zone in answer if zone["State"] == "available"}
    missing = sorted(wanted - there)
    return not missing, f"missing: {', '.join(missing)}" if missing else ", ".join(sorted(wanted))


def _offered(spec: Spec, cloud: Cloud, type: str) -> tuple[bool, str]:
    tiers = {hosts.tier for hosts in spec.hosts if hosts.type == type}
    wanted = {f"{spec.environment.region}{s.zone}" for s in spec.tier(*tiers)}
    offers = cloud.ec2.describe_instance_type_offerings(
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": [type]}],
    )["InstanceTypeOfferings"]
    missing = sorted(wanted - {offer["Location"] for offer in offers})
    return not missing, f"not offered in {', '.join(missing)}" if missing else "offered"


def _image(spec: Spec, cloud: Cloud, type: str) -> tuple[bool, str]:
    return True, image_for(cloud, release=spec.image.release, type=type, ami=spec.image.ami).id


def _vcpus(spec: Spec, cloud: Cloud) -> tuple[bool, str]:
    need = sum(h.count * VCPUS.get(h.type.partition(".")[2], 2) for h in spec.hosts)
    quota = cloud.quota("ec2", VCPU_QUOTA)
    return need <= quota, f"{need} needed, {quota:g} allowed in all (others' hosts not counted)"


def _addresses(spec: Spec, cloud: Cloud) -> tuple[bool, str]:
    zones = {s.zone for s in spec.tier("public")}
    need = {"none": 0, "one": 1, "per-zone": len(zones)}[spec.network.nat]
    answer = cloud.ec2.describe_account_attributes()["AccountAttributes"]
    limits = [
        value["AttributeValue"]
        for one in answer
        for value in one["AttributeValues"]
        if str(one["AttributeName"]) == "vpc-max-elastic-ips"
    ]
    used = len(cloud.ec2.describe_addresses()["Addresses"])
    limit = int(limits[0]) if limits else 5
    return used + need <= limit or need == 0, f"{need} needed, {used} of {limit} used"


def _database(spec: Spec, cloud: Cloud) -> tuple[bool, str]:
    wanted = spec.database
    options = cloud.rds.describe_orderable_db_instance_options(
        Engine="mysql", DBInstanceClass=wanted.type
    )["OrderableDBInstanceOptions"]
    versions = {option["EngineVersion"] for option in options}
    good = any(f"{version}.".startswith(f"{wanted.version}.") for version in versions)
    return (
        good,
        f"{wanted.type} with MySQL {wanted.version} {'can' if good else 'can not'} be ordered",
    )


def dry_runs(spec: Spec, cloud: Cloud) -> dict[str, Callable[[], Any]]:
    """One call per family of rights. DryRun asks AWS whether it would; nothing is made."""
    ec2 = cloud.ec2
    return {
        "CreateVpc": lambda: ec2.create_vpc(CidrBlock=spec.network.cidr, DryRun=True),
        "CreateInternetGateway": lambda: ec2.create_internet_gateway(DryRun=True),
        "AllocateAddress": lambda: ec2.allocate_address(Domain="vpc", DryRun=True),
        "ImportKeyPair": lambda: ec2.import_key_pair(
            KeyName="doctor", PublicKeyMaterial=b"ssh-ed25519 AAAA", DryRun=True
        ),
        "RunInstances": lambda: ec2.run_instances(
            ImageId=image_for(
                cloud, release=spec.image.release, type=spec.hosts[0].type, ami=spec.image.ami
            ).id,
            InstanceType=spec.hosts[0].type,  # type: ignore[arg-type]
            MinCount=1,
            MaxCount=1,
            DryRun=True,
        ),
    }


def _allowed(name: str, call: Callable[[], Any]) -> tuple[bool, str]:
    good = would_be_allowed(call)
    return good, "allowed" if good else f"these credentials may not {name}"


def _other_permissions(cloud: Cloud) -> Iterator[Finding]:
    """These services know no DryRun: reading is tried, and making is found out by apply."""
    reads: dict[str, Callable[[], Any]] = {
        "rds:Describe*": lambda: cloud.rds.describe_db_instances(MaxRecords=20),
        "elasticache:Describe*": lambda: cloud.elasticache.describe_cache_clusters(MaxRecords=20),
        "elasticloadbalancing:Describe*": lambda: cloud.elb.describe_load_balancers(PageSize=1),
        "ssm:DescribeParameters": lambda: cloud.ssm.describe_parameters(MaxResults=1),
        "iam:ListRoles": lambda: cloud.iam.list_roles(MaxItems=1),
        "logs:DescribeLogGroups": lambda: cloud.logs.describe_log_groups(limit=1),
        "cloudwatch:DescribeAlarms": lambda: cloud.cloudwatch.describe_alarms(MaxRecords=1),
    }
    for name, call in reads.items():
        yield _ask(f"permission {name}", lambda call=call: (call() is not None, "allowed"))  # type: ignore[misc]
