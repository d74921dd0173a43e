"""What the roles make of the inventory that provisioning writes."""

from typing import Any

import pytest
import yaml

from tests.config.test_settings import PRODUCTION, load_settings
from tests.infra.templating import ANSIBLE, load_yaml, render_template

BEHIND_A_BALANCER: dict[str, Any] = {
    "coupon_environment": "production", "load_balancer_host": "lb.example",
    "load_balancer_tls": True,
    "private_ip": "10.0.0.4", "ansible_facts": {"processor_vcpus": 2},
    "redis_decisions_replicas": 1,
}  # fmt: skip
IN_PUBLIC: dict[str, Any] = {
    "coupon_environment": "hello", "private_ip": "10.0.0.4", "redis_decisions_replicas": 0,
    "ansible_facts": {"processor_vcpus": 2}, "groups": {"api": ["coupon-api"]},
    "hostvars": {"coupon-api": {"public_ip": "203.0.113.4", "private_ip": "10.0.0.4"}},
}  # fmt: skip
CREDENTIALS = {"instance_id": "i-1", "coupon_in_container": False}


def test_users_of_an_environment_without_balancer_call_the_public_address() -> None:
    assert render_template("{{ app_hosts }}", IN_PUBLIC) == ["203.0.113.4", "10.0.0.4"]
    assert render_template("{{ app_hosts }}", BEHIND_A_BALANCER) == ["lb.example"]


def test_16_12_users_call_a_balancer_by_the_names_of_its_certificate() -> None:
    named = BEHIND_A_BALANCER | {"load_balancer_names": ["coupons.shop.kr", "coupon.shop.kr"]}
    assert render_template("{{ app_hosts }}", named) == ["coupons.shop.kr", "coupon.shop.kr"]
    asked = render_template("{{ app_site_certificate }}", named | {"app_tls": True})
    assert asked == "https://coupons.shop.kr"


def test_a_private_host_without_balancer_is_called_by_its_own_address() -> None:
    private = IN_PUBLIC | {"hostvars": {"coupon-api": {"private_ip": "10.0.0.4"}}}
    assert render_template("{{ app_hosts }}", private) == ["10.0.0.4"]


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(
    "chosen",
    [{}, {"SECURE_HSTS_INCLUDE_SUBDOMAINS": "yes"},
     {"SECURE_HSTS_INCLUDE_SUBDOMAINS": "yes", "SECURE_HSTS_PRELOAD": "yes"},
     {"SECURE_SSL_REDIRECT": "no"}, {"SECURE_SSL_REDIRECT": "yes"}],
)  # fmt: skip
def test_the_front_names_hsts_as_the_application_does(tls: bool, chosen: dict[str, str]) -> None:
    told = {"SECURE_SSL_REDIRECT": "yes" if tls else "no"} | chosen
    of_settings = load_settings(code=HSTS, **PRODUCTION | told)
    assert of_settings.returncode == 0, of_settings.stderr
    site = BEHIND_A_BALANCER | {"load_balancer_tls": tls, "app_settings": chosen}
    assert render_template("{{ front_hsts }}", site) == of_settings.stdout.strip()


HSTS = """
from config import settings as s
from config.security_headers import strict_transport
print(strict_transport(s.SECURE_HSTS_SECONDS, subdomains=s.SECURE_HSTS_INCLUDE_SUBDOMAINS,
                       preload=s.SECURE_HSTS_PRELOAD))
"""


@pytest.mark.parametrize(("replicas", "waits"), [(0, 0), (1, 1), (2, 1)])
def test_admissions_wait_for_one_replica_where_there_are_any(replicas: int, waits: int) -> None:
    inventory = BEHIND_A_BALANCER | {"redis_decisions_replicas": replicas}
    assert int(render_template("{{ app_wait_replicas }}", inventory)) == waits


def test_a_single_host_waits_for_no_replica() -> None:
    assert int(render_template("{{ app_wait_replicas }}", {})) == 0


@pytest.mark.parametrize(
    ("environment", "issuer", "fits"),
    [
        ("production", "https://shop.example", False), ("production", "", False),
        ("production", "https://shop.kr", True), ("hello", "https://shop.example", True),
    ],
)  # fmt: skip
def test_the_example_shop_issues_tokens_only_where_one_tries_out(
    environment: str, issuer: str, fits: bool
) -> None:
    tasks = yaml.safe_load((ANSIBLE / "roles" / "app" / "tasks" / "main.yml").read_text())
    asked = tasks[0]["ansible.builtin.assert"]["that"]
    said = render_template(
        "{{ " + asked + " }}", {"coupon_environment": environment, "app_jwt_issuer": issuer}
    )
    assert said is fits


def test_only_hosts_with_credentials_get_amazons_agent() -> None:
    wanted = "{{ cloudwatch_wanted | bool }}"
    assert render_template(wanted, CREDENTIALS | {"instance_profile": True}) is True
    assert render_template(wanted, CREDENTIALS | {"instance_profile": False}) is False
    assert render_template(wanted, CREDENTIALS) is False


def test_the_agents_tool_is_given_a_file_that_it_does_not_delete() -> None:
    """`fetch-config` copies the file into a folder of its own, and deletes the one beside it."""
    tasks = (ANSIBLE / "roles" / "cloudwatch" / "tasks" / "agent.yml").read_text()
    handlers = (ANSIBLE / "roles" / "cloudwatch" / "handlers" / "main.yml").read_text()
    file = load_yaml(ANSIBLE / "roles" / "cloudwatch" / "vars" / "main.yml")["cloudwatch_file"]
    assert 'path: "{{ cloudwatch_file }}"' in tasks
    assert "file:{{ cloudwatch_file }}" in handlers
    assert not file.startswith("/opt/aws/amazon-cloudwatch-agent/")
