"""The units, the firewall and the SSH configuration that the roles render."""

import re

import pytest

from tests.infra.rendered_roles import INVENTORY, SECRETS, TEMPLATES, Rendered

pytestmark = pytest.mark.slow


def test_no_secret_stands_in_a_unit_or_a_script(rendered_hosts: Rendered) -> None:
    values = [INVENTORY["all"]["vars"][f"vault_{name}"] for name in SECRETS]
    for file in TEMPLATES:
        if file.name != "app.env.j2":
            text = rendered_hosts.rendered_text("con-1", file.stem)
            assert not any(value in text for value in values), file.name


def test_a_worker_has_time_for_its_batch_and_is_asked_first(rendered_hosts: Rendered) -> None:
    unit = rendered_hosts.rendered_text("con-1", "coupon-worker.service")
    for line in ("TimeoutStopSec=90", "KillMode=mixed", "RestartSec=2"):
        assert line in unit.splitlines()
    common = rendered_hosts.rendered_text("con-1", "units.conf").splitlines()
    assert {"Restart=always", "Type=exec"} <= set(common)


def test_flower_listens_on_the_private_address(rendered_hosts: Rendered) -> None:
    assert "--address 10.0.2.1 --port 5555" in rendered_hosts.rendered_text(
        "con-1", "coupon-flower.service"
    )


def test_the_firewall_opens_what_the_roles_need_and_no_more(rendered_hosts: Rendered) -> None:
    rule = re.compile(r"^\s*(.*)tcp dport (\d+) accept$", re.M)
    opened = {
        host: rule.findall(rendered_hosts.rendered_text(host, "nftables.conf"))
        for host in ("jump", "api-1", "con-1")
    }
    private = "ip saddr { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 } "
    monitor = "ip saddr { 10.0.3.1 } "
    operators = private.replace("{ ", "{ 127.0.0.0/8, ")
    assert opened == {
        "jump": [("", "22"), (monitor, "9100")],
        "api-1": [
            (private, "22"),
            ("", "8080"),
            ("", "8082"),
            (operators, "8090"),
            (monitor, "8405"),
            (monitor, "9100"),
        ],
        "con-1": [(private, "22"), ("", "8081"), (monitor, "9100")],
    }
    assert "policy drop" in rendered_hosts.rendered_text("con-1", "nftables.conf")


def test_agents_are_never_forwarded_and_only_the_bastion_is_jumped_through(
    rendered_hosts: Rendered,
) -> None:
    for host in ("jump", "api-1"):
        lines = rendered_hosts.rendered_text(host, "sshd.conf").splitlines()
        assert {
            "AllowAgentForwarding no",
            "PasswordAuthentication no",
            "PermitRootLogin no",
        } <= set(lines)
    assert "AllowTcpForwarding yes" in rendered_hosts.rendered_text("jump", "sshd.conf")
    assert "PermitOpen localhost:* 127.0.0.1:* 10.0.1.1:*" in rendered_hosts.rendered_text(
        "api-1", "sshd.conf"
    )
