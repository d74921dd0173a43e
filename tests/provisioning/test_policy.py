"""Policy checks like those of CIS and Prowler, on the resources that production wants.

Every check is also run on an environment that violates it, and must report that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioning.blueprint.environment import build_blueprint
from provisioning.model import Ref, Want
from tests.provisioning import specs

Wants = tuple[Want, ...]
WORLD = ("0.0.0.0/0", "::/0")
OPERATOR = "198.51.100.7/32"


@pytest.fixture(scope="module")
def production_wants() -> Wants:
    return build_blueprint(specs.environment_spec("production", OPERATOR))


def wants_of_kind(wants: Wants, *kinds: str) -> Iterator[Want]:
    return (want for want in wants if want.kind in kinds)


def open_to_the_world(wants: Wants) -> list[str]:
    return [
        f"{want.name}:{first}"
        for want in wants_of_kind(wants, "rules")
        for _, first, _, peer in want.props["ingress"]
        if peer in WORLD and not (want.name.endswith("-balancer") and first in (80, 443))
    ]


def all_traffic_out(wants: Wants) -> list[str]:
    return [
        want.name
        for want in wants_of_kind(wants, "rules")
        for protocol, _, _, _ in want.props["egress"]
        if protocol == "-1"
    ]


def public_stores(wants: Wants) -> list[str]:
    public = {w.name for w in wants_of_kind(wants, "subnet") if w.props["public_addresses"]}
    groups = [
        want.name
        for want in wants_of_kind(wants, "db-subnets", "cache-subnets")
        if {ref.name for ref in want.props["subnets"]} & public
    ]
    return groups + [want.name for want in wants_of_kind(wants, "database") if want.props["public"]]


def stores_with_a_way_out(wants: Wants) -> list[str]:
    stores = {
        ref.name
        for w in wants_of_kind(wants, "db-subnets", "cache-subnets")
        for ref in w.props["subnets"]
    }
    return [
        want.name
        for want in wants_of_kind(wants, "route-table")
        if want.props["routes"] and {ref.name for ref in want.props["subnets"]} & stores
    ]


def unencrypted_wants(wants: Wants) -> list[str]:
    plain = [
        want.name
        for want in wants_of_kind(wants, "database", "host")
        if not want.props["encrypted"]
    ]
    return plain + [
        want.name
        for want in wants
        if want.kind == "cache-node"
        or (
            want.kind == "cache-group"
            and not (
                want.props["encrypted_at_rest"]
                and want.props["encrypted_in_transit"]
                and ("users" in want.props or "auth_token" in want.hidden)
            )
        )
    ]


def without_tls(wants: Wants) -> list[str]:
    enforced = {
        want.name
        for want in wants_of_kind(wants, "db-parameters")
        if want.props["values"].get("require_secure_transport") == "1"
    }
    return [
        want.name
        for want in wants_of_kind(wants, "database")
        if want.props.get("parameters", Ref("", "")).name not in enforced
    ]


def evicting_wants(wants: Wants) -> list[str]:
    safe = {
        want.name
        for want in wants_of_kind(wants, "cache-parameters")
        if want.props["values"].get("maxmemory-policy") == "noeviction"
    }
    return [
        w.name
        for w in wants_of_kind(wants, "cache-group")
        if w.props["parameters"].name not in safe
    ]


def old_metadata_service(wants: Wants) -> list[str]:
    return [want.name for want in wants_of_kind(wants, "host") if not want.props["imdsv2"]]


def unprotected_wants(wants: Wants) -> list[str]:
    plain = [
        want.name
        for want in wants_of_kind(wants, "host", "database")
        if not want.props["protected"]
    ]
    return plain + [
        want.name
        for want in wants_of_kind(wants, "balancer")
        if want.props["attributes"]["deletion_protection.enabled"] != "true"
    ]


def single_zone(wants: Wants) -> list[str]:
    return [
        w.name for w in wants_of_kind(wants, "database", "cache-group") if not w.props["multi_az"]
    ]


def no_backups(wants: Wants) -> list[str]:
    return [want.name for want in wants_of_kind(wants, "database") if want.props["backup_days"] < 7]


def any_action(wants: Wants) -> list[str]:
    return [
        f"{want.name}: {action}"
        for want in wants_of_kind(wants, "role")
        for statement in json.loads(want.props["policy"])["Statement"]
        for action in statement["Action"]
        if "*" in action
    ]


def taken_on_by_others(wants: Wants) -> list[str]:
    """Roles that any principal other than one AWS service may assume."""
    return [
        f"{want.name}: {statement['Principal']}"
        for want in wants_of_kind(wants, "role")
        for statement in json.loads(want.props["trust"])["Statement"]
        if list(statement["Principal"]) != ["Service"]
    ]


def unwatched_networks(wants: Wants) -> list[str]:
    watched = {want.props["vpc"].name for want in wants_of_kind(wants, "flow-log")}
    return [want.name for want in wants_of_kind(wants, "vpc") if want.name not in watched]


def forever_kept_logs(wants: Wants) -> list[str]:
    return [want.name for want in wants_of_kind(wants, "log-group") if not want.props["days"]]


def readable_secrets(wants: Wants) -> list[str]:
    """Roles of hosts that may read parameters: Ansible alone reads secrets, as the operator."""
    return [
        f"{want.name}: {action}"
        for want in wants_of_kind(wants, "role")
        for statement in json.loads(want.props["policy"])["Statement"]
        for action in statement["Action"]
        if action.startswith("ssm:Get")
    ]


def hosts_in_public(wants: Wants) -> list[str]:
    public = {w.name for w in wants_of_kind(wants, "subnet") if w.props["public_addresses"]}
    return [
        want.name
        for want in wants_of_kind(wants, "host")
        if want.props["subnet"].name in public and want.props["role"] != "bastion"
    ]


def plain_secrets(wants: Wants) -> list[str]:
    return [w.name for w in wants_of_kind(wants, "secret") if w.props["type"] != "SecureString"]


def keeps_headers(wants: Wants) -> list[str]:
    key = "routing.http.drop_invalid_header_fields.enabled"
    return [
        w.name for w in wants_of_kind(wants, "balancer") if w.props["attributes"].get(key) != "true"
    ]


def with_props(kind: str, **changed: Any) -> Callable[[Wants], Wants]:
    """A function that returns the environment with these properties of one kind changed."""

    def replace_props(wants: Wants) -> Wants:
        return tuple(
            replace(w, props={**w.props, **changed}) if w.kind == kind else w for w in wants
        )

    return replace_props


ANYONE = frozenset({("tcp", 22, 22, "0.0.0.0/0")})
ANYBODY = json.dumps({"Statement": [{"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})
STAR = json.dumps({"Statement": [{"Action": ["s3:*"], "Resource": "*"}]})
ALL_SECRETS = json.dumps(
    {"Statement": [{"Action": ["ssm:GetParameter"], "Resource": ["arn:aws:ssm:::parameter/*"]}]}
)
IN_PUBLIC = frozenset({Ref("subnet", "coupon-public-a")})

CHECKS: list[tuple[Callable[[Wants], list[str]], Callable[[Wants], Wants]]] = [
    (open_to_the_world, with_props("rules", ingress=ANYONE)),
    (all_traffic_out, with_props("rules", egress=frozenset({("-1", -1, -1, "0.0.0.0/0")}))),
    (public_stores, with_props("database", public=True)),
    (public_stores, with_props("cache-subnets", subnets=IN_PUBLIC)),
    (stores_with_a_way_out, with_props("route-table", routes={"0.0.0.0/0": "igw-1"})),
    (unencrypted_wants, with_props("cache-group", encrypted_in_transit=False)),
    (unencrypted_wants, with_props("database", encrypted=False)),
    (unencrypted_wants, with_props("host", encrypted=False)),
    (without_tls, with_props("db-parameters", values={})),
    (evicting_wants, with_props("cache-parameters", values={"maxmemory-policy": "volatile-lru"})),
    (old_metadata_service, with_props("host", imdsv2=False)),
    (unprotected_wants, with_props("host", protected=False)),
    (unprotected_wants, with_props("database", protected=False)),
    (single_zone, with_props("cache-group", multi_az=False)),
    (no_backups, with_props("database", backup_days=0)),
    (any_action, with_props("role", policy=STAR)),
    (taken_on_by_others, with_props("role", trust=ANYBODY)),
    (unwatched_networks, lambda wants: tuple(w for w in wants if w.kind != "flow-log")),
    (forever_kept_logs, with_props("log-group", days=0)),
    (readable_secrets, with_props("role", policy=ALL_SECRETS)),
    (hosts_in_public, with_props("host", subnet=Ref("subnet", "coupon-public-a"))),
    (plain_secrets, with_props("secret", type="String")),
    (keeps_headers, with_props("balancer", attributes={"deletion_protection.enabled": "true"})),
]
NAMES = [f"{check.__name__}-{number}" for number, (check, _) in enumerate(CHECKS)]


@pytest.mark.parametrize(("check", "spoil"), CHECKS, ids=NAMES)
def test_production_keeps_it_and_breaking_it_is_seen(
    production_wants: Wants, check: Callable[[Wants], list[str]], spoil: Callable[[Wants], Wants]
) -> None:
    assert check(production_wants) == []
    assert check(spoil(production_wants)) != []


ROLES_OF_ANSIBLE = Path(__file__).parents[2] / "ansible" / "roles"


def rights_of_hosts(wants: Wants) -> dict[str, set[str]]:
    """Role of the hosts -> names of its statements."""
    return {
        want.name.removeprefix("coupon-production-"): {
            statement["Sid"] for statement in json.loads(want.props["policy"])["Statement"]
        }
        for want in wants_of_kind(wants, "role")
        if not want.name.endswith("-flow")
    }


def test_16_12_a_host_has_no_right_that_nothing_on_it_uses(production_wants: Wants) -> None:
    """The agent, on each host with a profile, sends logs; only these run what sends metrics."""
    tasks = yaml.safe_load((ROLES_OF_ANSIBLE / "cloudwatch/tasks/main.yml").read_text())
    sends_metrics = [t["when"] for t in tasks[0]["block"] if "figure.yml" in str(t)]
    assert sends_metrics == ["'consumer' in group_names", "'api' in group_names"]
    rights = rights_of_hosts(production_wants)
    for role in ("api", "consumer"):
        assert rights.pop(role) == {"Session", "OwnLogs", "OwnMetrics"}
    assert rights == {role: {"Session", "OwnLogs"} for role in ("bastion", "monitor")}


# On RDS the owner's password is drawn from the administrator's, which is no secret of the spec.
OF_OWN_MYSQL = {"database_owner_password"}


@pytest.mark.parametrize("environment", ["hello", "production"])
def test_16_12_every_secret_of_an_environment_is_one_that_a_role_looks_up(environment: str) -> None:
    looked_up = set(
        re.findall(
            r"lookup\('coupon_secret', '(\w+)'\)",
            (ROLES_OF_ANSIBLE / "coupon/defaults/main/secrets.yml").read_text(),
        )
    )
    made = {s.name.replace("-", "_") for s in specs.environment_spec(environment, OPERATOR).secrets}
    assert made == looked_up - OF_OWN_MYSQL
