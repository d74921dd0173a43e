"""Checks the credentials' permissions: of EC2 with DryRun, of the rest with IAM's simulation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from provisioning.aws import Cloud
from provisioning.client_errors import would_be_allowed
from provisioning.doctor.finding import BAD, OK, UNKNOWN, Finding, judged_finding, make_finding
from provisioning.doctor.permissions import Grant, required_grants
from provisioning.quantities import counted_noun
from provisioning.resources.image import image_for
from provisioning.spec.model import Spec

Answer = tuple[str, str]


def check_rights(spec: Spec, cloud: Cloud) -> Iterator[Finding]:
    for name, call in dry_runs(spec, cloud).items():
        yield make_finding(f"DryRun {name}", lambda name=name, call=call: _dry_run(name, call))  # type: ignore[misc]
    yield from simulated_findings(spec, cloud)


def dry_runs(spec: Spec, cloud: Cloud) -> dict[str, Callable[[], Any]]:
    """One call for each group of rights. With DryRun AWS only checks permissions; nothing is
    created."""
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


def _dry_run(name: str, call: Callable[[], Any]) -> Answer:
    good = would_be_allowed(call)
    return judged_finding(good), "allowed" if good else f"these credentials may not {name}"


def simulated_findings(spec: Spec, cloud: Cloud) -> Iterator[Finding]:
    """A finding per service; a single one if these credentials can't be simulated."""
    caller = cloud.sts.get_caller_identity()["Arn"]
    principal = make_finding(
        "rights of these credentials", lambda: _principal(cloud, caller), denied=UNKNOWN
    )
    if principal.verdict != OK or not principal.told.startswith("arn:"):
        yield principal
        return
    for grant in required_grants(spec, cloud.account):
        yield _simulated_finding(cloud, principal.told, grant)


def _simulated_finding(cloud: Cloud, principal: str, grant: Grant) -> Finding:
    what = f"rights {grant.service}"
    return make_finding(what, lambda: _simulate(cloud, principal, grant), denied=UNKNOWN)


def _principal(cloud: Cloud, caller: str) -> Answer:
    """The ARN of the user or role whose policies IAM can simulate; of a session, its role's."""
    if caller.endswith(":root"):
        return OK, "the root user may do anything; use a role of its own instead"
    if ":assumed-role/" in caller:
        role = caller.partition(":assumed-role/")[2].partition("/")[0]
        return OK, cloud.iam.get_role(RoleName=role)["Role"]["Arn"]
    if ":iam::" in caller and ":user/" in caller:
        return OK, caller
    return UNKNOWN, f"only IAM users and roles can be simulated, not {caller}; apply finds it out"


def _simulate(cloud: Cloud, principal: str, grant: Grant) -> Answer:
    """Service control and session policies may still deny it: IAM doesn't simulate those."""
    pages = cloud.iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=principal,
        ActionNames=list(grant.actions),
        ResourceArns=list(grant.examples),
        ContextEntries=[
            {"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": "string"}
            for name, value in grant.where
        ],
    )
    denied: list[str] = []
    undecided: list[str] = []
    for result in (result for page in pages for result in page["EvaluationResults"]):
        if not _allowed(result):
            (undecided if _depends_on_conditions(result) else denied).append(
                result["EvalActionName"]
            )
    if denied:
        return BAD, f"not allowed: {', '.join(denied)}"
    if undecided:
        return UNKNOWN, f"conditions decide over: {', '.join(undecided)}"
    return OK, f"{counted_noun(len(grant.actions), 'action')} allowed"


def _allowed(evaluation: Any) -> bool:
    """Allowed on any of the examples: they are of several types, and an action applies to one."""
    decisions = (
        result["EvalResourceDecision"] for result in evaluation.get("ResourceSpecificResults", ())
    )
    return "allowed" in (evaluation["EvalDecision"], *decisions)


def _depends_on_conditions(result: Any) -> bool:
    per_resource = result.get("ResourceSpecificResults", ())
    return bool(result.get("MissingContextValues")) or any(
        r.get("MissingContextValues") for r in per_resource
    )
