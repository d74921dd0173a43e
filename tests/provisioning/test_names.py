"""Issue 16, 7: names, releases and sizes that AWS refuses are refused when the spec is loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioning import cli
from provisioning.__main__ import run_command
from provisioning.blueprint.judged_names import judge_made_names
from provisioning.client_errors import translated_errors
from provisioning.errors import AwsRefused
from provisioning.model import Want
from provisioning.name_rules import NAME_RULES
from provisioning.resources.catalogue import BY_NAME
from provisioning.resources.kind import resolved_want
from provisioning.spec.model import Edge
from provisioning.spec.problems import Problems
from tests.provisioning import specs

# Most letters of a want's name, by AWS' API references: its own limit, or that of the Name tag.
# Rules and the default group are named by their tag only, as is all of EC2 but groups and keys.
LONGEST = {
    "vpc": 256, "internet-gateway": 256, "subnet": 256, "address": 256, "nat": 256,
    "route-table": 256, "s3-endpoint": 256, "flow-log": 256, "host": 256, "listener": 256,
    "group": 255, "key-pair": 251, "role": 64, "profile": 128, "secret": 256, "log-group": 256,
    "cache-subnets": 255, "cache-parameters": 255, "cache-node": 50, "cache-group": 40,
    "cache-user": 40, "cache-user-group": 40,
    "db-subnets": 255, "db-parameters": 255, "database": 63,
    "target-group": 32, "balancer": 32, "topic": 256, "alarm": 255, "dashboard": 255,
    "budget": 100, "distribution": 128, "default-group": 256, "rules": 256,
}  # fmt: skip
UNNAMED = {"default-group", "rules"}  # made of a group that exists: no call names them
PUBLIC = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPVJ1zMtvQmCRUfLDoINLs/3wSLzMQ0bZRrJrCXH4mDp x"
KEY = "key-pair"  # 255 at AWS, 251 here: its private half is the file NAME.pem


def is_refused_for_name(rig: Any, want: Want, name: str) -> bool:
    """Whether AWS (the test cloud) refuses this want under this name, because of the name."""
    kind, ids = BY_NAME[want.kind], {key: one.id for key, one in rig.find_all().items()}
    try:
        with translated_errors("making"):
            kind.create_one(rig.cloud, replace(resolved_want(want, ids), name=name))
    except AwsRefused as refused:
        return "The name in" in str(refused)
    return False


@pytest.mark.slow
def test_aws_refuses_a_name_above_its_limit_and_takes_one_at_it(
    production_rig: Any, hello_rig: Any
) -> None:
    watch = replace(production_rig.spec.watch, emails=("ops@shop.example",))
    budget = production_rig.spec.budget
    edge = Edge(name="edge", certificate_arn="arn:aws:acm:us-east-1:1:certificate/2")
    production_rig.use_spec(replace(production_rig.spec, watch=watch, budget=budget, edge=edge))
    production_rig.build()
    hello_rig.apply_plan()
    wants = {want.kind: (hello_rig, want) for want in hello_rig.wants}
    wants |= {want.kind: (production_rig, want) for want in production_rig.wants}
    assert set(BY_NAME) == set(LONGEST) == set(wants)
    wrong = [
        (kind, length)
        for kind, (rig, want) in wants.items()
        if kind not in UNNAMED | {KEY}
        for length in (LONGEST[kind], LONGEST[kind] + 1)
        if is_refused_for_name(rig, want, "n" * length) != (length > LONGEST[kind])
    ]
    assert wrong == []


@pytest.mark.parametrize(("length", "refused"), [(255, False), (256, True)])
def test_aws_refuses_a_key_pair_whose_name_is_too_long(
    hello_rig: Any, length: int, refused: bool
) -> None:
    said = ""
    try:
        with translated_errors("importing"):
            hello_rig.cloud.ec2.import_key_pair(
                KeyName="n" * length, PublicKeyMaterial=PUBLIC, TagSpecifications=[]
            )
    except AwsRefused as error:
        said = str(error)
    assert ("The name in" in said) == refused
    assert refused or not said


@pytest.mark.parametrize("kind", sorted(BY_NAME))
def test_each_kind_has_a_rule_that_takes_a_name_at_its_limit(kind: str) -> None:
    rule = NAME_RULES[kind]
    assert rule.problem("n" * LONGEST[kind]) == ""
    assert rule.problem("n" * (LONGEST[kind] + 1)) == (
        f"has {LONGEST[kind] + 1} characters, AWS takes {LONGEST[kind]}"
    )
    for ill in ("", "쿠폰", "a\nb", "a;b"):
        assert rule.problem(ill).startswith("must be "), (kind, ill)


def loaded_problem(capsys: pytest.CaptureFixture[str], folder: Path, *changes: str) -> str:
    """What `plan` says of production's spec with these changes (old, new), before AWS is asked."""
    text = specs.spec_text("production")
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    (folder / "mine.toml").write_text(text)
    file = str(folder / "mine.toml")
    assert run_command(["plan", "--env", file, "--operator", "198.51.100.7/32"]) == 1
    return capsys.readouterr().err


@pytest.fixture
def no_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "connect_cloud", lambda *_, **__: pytest.fail("AWS would be asked"))


@pytest.mark.usefixtures("no_cloud")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"coupon-lb"', f'"{"n" * 29}"', "balancer.name: the target-group would be named 'nnn"),
        ('"coupon-lb"', '"internal-lb"', "the balancer would be named 'internal-lb'"),
        ('"coupon-db-subnets"', f'"{"n" * 256}"', "database.subnet_group: the db-subnets would"),
        ('"coupon-cache-subnets"', '"Cache-Subnets"', "subnet_group: the cache-subnets would"),
        ('"coupon-public-rt"', f'"{"n" * 257}"', ".route_table: the route-table would be"),
        ("storage_gb = 100", 'schema = "coupon-db"', "database.schema: 'coupon-db' must be"),
        ("storage_gb = 100", 'schema = "groups"', "'groups' is a reserved word of MySQL"),
        ("storage_gb = 100", f'user = "{"n" * 17}"', "database.user: 'nnnnnnnnnnnnnnnnn' has 17"),
        ("storage_gb = 100", 'version = "8.4.1"', "'8.4.1' isn't offered by RDS, whose first 8.4"),
        ("storage_gb = 100", 'version = "8.4.x"', "'8.4.x' is no MySQL 8.0 or 8.4 version"),
        ("snapshot_days = 3", 'version = "8.0.1"', "caches[0].version: '8.0.1' is no valkey rel"),
        ("[balancer]", '[image]\nrelease = "22.04"\n\n[balancer]', "'22.04' is none of 24"),
    ],
)  # fmt: skip
def test_what_aws_would_refuse_in_mid_apply_is_refused_at_load(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, old: str, new: str, said: str
) -> None:
    told = loaded_problem(capsys, tmp_path, old, new)
    assert said in told
    assert "in the spec, nothing was asked of AWS" in told


def test_the_environments_of_the_repository_have_names_that_aws_takes() -> None:
    for environment in ("hello", "production"):
        problems = Problems(file=environment)
        judge_made_names(specs.environment_spec(environment, "198.51.100.7/32"), problems)
        assert problems.found == []
