"""Wanted: the key pair, IAM roles and profiles with least privilege, and the hosts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioning.blueprint.names import each_host, gateway_ref, group_ref
from provisioning.model import Key, Ref, Want
from provisioning.resources.identity import normalised_policy, trust_policy
from provisioning.spec.model import Hosts, Spec

SESSION = [  # what Session Manager needs; AWS offers no narrower resource for these
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
    "ssm:UpdateInstanceInformation",
]
METRICS = "Coupon"  # the only namespace in which hosts may publish metrics


def host_wants(spec: Spec) -> Iterator[Want]:
    yield Want(kind="key-pair", name=spec.key.name, props={})
    for role in dict.fromkeys(wanted.role for wanted in spec.hosts if wanted.profile):
        name = f"{spec.prefix}-{role}"
        yield role_want(name, "ec2.amazonaws.com", role_policy(spec, role))
        yield Want(kind="profile", name=name, props={"role": Ref("role", name)})
    for wanted in spec.hosts:
        yield from _group(spec, wanted)


def _group(spec: Spec, wanted: Hosts) -> Iterator[Want]:
    profile: Any = Ref("profile", f"{spec.prefix}-{wanted.role}") if wanted.profile else ""
    out: tuple[Key, ...] = (gateway_ref(spec).key,) if wanted.public_ip else ()
    for name, subnet in each_host(spec, wanted):
        yield Want(
            kind="host",
            name=name,
            props={
                "type": wanted.type,
                "subnet": Ref("subnet", subnet.name),
                "key": Ref("key-pair", spec.key.name),
                "groups": frozenset({group_ref(spec, wanted.role)}),
                "profile": profile,
                "imdsv2": True,
                "encrypted": True,
                "public_ip": wanted.public_ip,
                "protected": wanted.protected,
                "running": True,
                "role": wanted.role,
                "disk_gb": wanted.disk_gb,
                "detailed": wanted.detailed_monitoring,
                **_image(spec),
            },
            hidden={"release": spec.image.release, "ami": spec.image.ami},
            after=out,
        )


def _image(spec: Spec) -> dict[str, str]:
    """Another release, or another fixed image, replaces hosts; a newer build of a release doesn't:
    hosts are patched."""
    return {"image": spec.image.ami} if spec.image.ami else {"release": spec.image.release}


def role_want(name: str, service: str, rights: dict[str, Any]) -> Want:
    """A role that one AWS service may assume, with these rights and no others."""
    return Want(
        kind="role",
        name=name,
        props={
            "trust": trust_policy(service),
            "policy": normalised_policy(rights),
            "others": frozenset[str](),
        },
    )


def role_policy(spec: Spec, role: str) -> dict[str, Any]:
    """A role's rights: Session Manager, its own log group; of hosts that send metrics, those too.
    None to read a secret: Ansible reads those on the operator's machine."""
    where = f"{spec.environment.region}:ACCOUNT"
    statements = [
        allow_statement("Session", SESSION, "*"),
        allow_statement(
            "OwnLogs",
            ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            f"arn:aws:logs:{where}:log-group:{spec.path}/{role}:*",
        ),
    ]
    if role in ("api", "consumer"):
        statements.append(
            {
                **allow_statement("OwnMetrics", ["cloudwatch:PutMetricData"], "*"),
                "Condition": {"StringEquals": {"cloudwatch:namespace": METRICS}},
            }
        )
    return {"Version": "2012-10-17", "Statement": statements}


def allow_statement(sid: str, actions: list[str], resource: str | list[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}
