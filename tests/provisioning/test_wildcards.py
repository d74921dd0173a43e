"""Every * in a policy of ours is in one table, with its reason; and hosts may read no secret."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import provisioning
from provisioning.blueprint.environment import build_blueprint
from provisioning.doctor.permissions import permission_policy
from provisioning.spec.model import Spec
from tests.provisioning.specs import environment_spec

ACCOUNT = "123456789012"
TABLE = tomllib.loads((Path(provisioning.__file__).parent / "wildcards.toml").read_text())
HOSTS = ("bastion", "api", "consumer", "monitor")
# What a host does: a session for an operator, its log, and figures of those that have some.
OF_HOSTS = {
    "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
    "ssm:UpdateInstanceInformation", "logs:CreateLogStream", "logs:DescribeLogStreams",
    "logs:PutLogEvents",
}  # fmt: skip
WITH_FIGURES = {"api", "consumer"}


@pytest.fixture(scope="module", params=["production", "hello"])
def spec(request: pytest.FixtureRequest) -> Spec:
    return environment_spec(str(request.param), "198.51.100.7/32")


def roles_of(spec: Spec) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(name, statements) of every role that provisioning makes."""
    for want in build_blueprint(spec):
        if want.kind == "role":
            yield want.name, json.loads(want.props["policy"])["Statement"]


def wildcards_of(statements: list[dict[str, Any]], spec: Spec) -> Iterator[tuple[str, str]]:
    """(Sid, the resource or action with a star), with names that differ by environment replaced."""
    for statement in statements:
        for part in ("Action", "Resource", "NotAction", "NotResource"):
            given = statement.get(part, [])
            for text in [given] if isinstance(given, str) else given:
                if "*" in text or part.startswith("Not"):
                    yield statement["Sid"], named_alike(text, spec)


def named_alike(text: str, spec: Spec) -> str:
    for name, word in (
        (spec.path, "PATH"), (spec.prefix, "PREFIX"), (spec.environment.region, "REGION"),
        (ACCOUNT, "ACCOUNT"),
    ):  # fmt: skip
        text = text.replace(name, word)
    return re.sub(r"PATH/(?:\w+):\*$", "PATH/ROLE:*", text)


def test_every_wildcard_has_its_reason_and_every_reason_its_wildcard(spec: Spec) -> None:
    statements = permission_policy(spec, ACCOUNT)["Statement"]
    found = set(wildcards_of(statements, spec))
    for _, of_role in roles_of(spec):
        found |= set(wildcards_of(of_role, spec))
    known = {(sid, text) for sid, row in TABLE.items() for text in row}
    assert found - known == set(), "no reason is given"
    if spec.environment.name == "production":
        assert known - found == set(), "no policy has it any more"
    assert all(len(reason) > 10 for row in TABLE.values() for reason in row.values())


def test_a_wildcard_without_a_reason_is_found(spec: Spec) -> None:
    wider = [{"Sid": "Ssm", "Action": ["ssm:*"], "Resource": ["arn:aws:ssm:*:*:parameter/*"]}]
    assert len(set(wildcards_of(wider, spec)) - {(s, t) for s, r in TABLE.items() for t in r}) == 2
    assert list(wildcards_of([{"Sid": "A", "NotAction": ["iam:PassRole"]}], spec))


def test_what_is_allowed_on_everything_is_bound_to_a_region_or_says_why(spec: Spec) -> None:
    for statement in permission_policy(spec, ACCOUNT)["Statement"]:
        if statement["Resource"] == ["*"]:
            bound = statement.get("Condition", {}).get("StringEquals", {})
            reason = TABLE[statement["Sid"]]["*"]
            is_regional = bound.get("aws:RequestedRegion") == spec.environment.region
            assert is_regional == ("in the spec's region alone" in reason), statement["Sid"]


def test_operators_may_end_hosts_and_networks_with_our_tags_only(spec: Spec) -> None:
    statements = permission_policy(spec, ACCOUNT)["Statement"]
    for action in ("ec2:TerminateInstances", "ec2:StopInstances", "ec2:DeleteVpc"):
        [one] = [each for each in statements if action in each["Action"]]
        bound = one["Condition"]["StringEquals"]
        assert bound["aws:ResourceTag/Environment"] == spec.environment.name
        assert bound["aws:ResourceTag/Project"] == spec.environment.project


def test_the_policy_fits_into_a_roles_own(spec: Spec) -> None:
    """IAM's limit for a role's inline policies: 10,240 characters without spaces."""
    text = json.dumps(permission_policy(spec, ACCOUNT), separators=(",", ":"))
    assert len(text) < 10_240


def test_a_host_has_the_rights_of_its_role_and_none_to_a_secret(spec: Spec) -> None:
    for name, statements in roles_of(spec):
        role = name.removeprefix(f"{spec.prefix}-")
        if role not in HOSTS:
            continue
        actions = {action for one in statements for action in one["Action"]}
        more = {"cloudwatch:PutMetricData"} if role in WITH_FIGURES else set()
        assert actions == OF_HOSTS | more, name
        [logs] = [one for one in statements if one["Sid"] == "OwnLogs"]
        assert logs["Resource"].endswith(f":log-group:{spec.path}/{role}:*")
