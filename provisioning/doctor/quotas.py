"""Checks that the account's quotas leave room for the resources still to be created."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from provisioning.aws import Cloud
from provisioning.blueprint.environment import build_blueprint
from provisioning.discovery import discover_resources
from provisioning.doctor.finding import OK, UNKNOWN, Finding, judged_finding, make_finding
from provisioning.errors import ProvisioningError
from provisioning.model import Want
from provisioning.spec.model import Spec

Answer = tuple[str, str]
Missing = tuple[Want, ...]
VCPUS = ("ec2", "L-1216C47A")  # Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances
VPCS = ("vpc", "L-F678F1CE")  # VPCs per region
RUNNING: Any = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]


def check_quotas(spec: Spec, cloud: Cloud) -> Iterator[Finding]:
    """Only the doctor reads quotas, so a denied call is unknown, not bad."""
    try:
        found = discover_resources(cloud)
    except ProvisioningError as refused:
        yield Finding(UNKNOWN, "quotas", f"The existing resources can't be read: {refused}")
        return
    missing = tuple(want for want in build_blueprint(spec) if want.key not in found)
    for (what, kind), check in QUOTA_CHECKS.items():
        yield make_finding(
            f"room for {what}",
            partial(_check_room, cloud, missing, kind, check),
            denied=UNKNOWN,
        )


def _check_room(cloud: Cloud, missing: Missing, kind: str, check: QuotaCheck) -> Answer:
    wanted = tuple(want for want in missing if want.kind == kind)
    if not wanted:
        return OK, "nothing more is needed"
    need, used, limit = check(cloud, wanted)
    return judged_finding(used + need <= limit), f"{need} more needed, {used} of {limit:g} used"


QuotaCheck = Callable[[Cloud, Missing], tuple[int, int, float]]  # (needed, used, the quota)


def _vcpus(cloud: Cloud, hosts: Missing) -> tuple[int, int, float]:
    types = sorted({want.props["type"] for want in hosts})
    types_info = cloud.ec2.describe_instance_types(InstanceTypes=types)["InstanceTypes"]
    size = {
        str(type_info["InstanceType"]): type_info["VCpuInfo"]["DefaultVCpus"]
        for type_info in types_info
    }
    need = sum(size[want.props["type"]] for want in hosts)
    pages = cloud.ec2.get_paginator("describe_instances").paginate(Filters=RUNNING)
    running = (host for page in pages for r in page["Reservations"] for host in r["Instances"])
    used = sum(_cores(host) for host in running if host.get("InstanceLifecycle") != "spot")
    return need, used, cloud.quota(*VCPUS)


def _cores(host: Any) -> int:
    options = host.get("CpuOptions", {})
    return int(options.get("CoreCount", 1)) * int(options.get("ThreadsPerCore", 2))


def _vpcs(cloud: Cloud, wanted: Missing) -> tuple[int, int, float]:
    pages = cloud.ec2.get_paginator("describe_vpcs").paginate()
    return len(wanted), sum(len(page["Vpcs"]) for page in pages), cloud.quota(*VPCS)


def _addresses(cloud: Cloud, wanted: Missing) -> tuple[int, int, float]:
    answer = cloud.ec2.describe_account_attributes()["AccountAttributes"]
    limits = [
        value["AttributeValue"]
        for attribute in answer
        for value in attribute["AttributeValues"]
        if str(attribute["AttributeName"]) == "vpc-max-elastic-ips"
    ]
    used = len(cloud.ec2.describe_addresses()["Addresses"])
    return len(wanted), used, int(limits[0]) if limits else 5


def _databases(cloud: Cloud, wanted: Missing) -> tuple[int, int, float]:
    quotas = cloud.rds.describe_account_attributes()["AccountQuotas"]
    instances = next(quota for quota in quotas if quota["AccountQuotaName"] == "DBInstances")
    return len(wanted), instances["Used"], instances["Max"]


def _balancers(cloud: Cloud, wanted: Missing) -> tuple[int, int, float]:
    limits = cloud.elb.describe_account_limits()["Limits"]
    limit = next(item["Max"] for item in limits if item["Name"] == "application-load-balancers")
    pages = cloud.elb.get_paginator("describe_load_balancers").paginate()
    used = sum(item["Type"] == "application" for page in pages for item in page["LoadBalancers"])
    return len(wanted), used, int(limit)


def _roles(cloud: Cloud, wanted: Missing) -> tuple[int, int, float]:
    summary: Any = cloud.iam.get_account_summary()["SummaryMap"]
    return len(wanted), summary["Roles"], summary["RolesQuota"]


QUOTA_CHECKS: dict[tuple[str, str], QuotaCheck] = {
    ("vCPUs", "host"): _vcpus,
    ("VPCs", "vpc"): _vpcs,
    ("addresses", "address"): _addresses,
    ("databases", "database"): _databases,
    ("load balancers", "balancer"): _balancers,
    ("roles", "role"): _roles,
}
