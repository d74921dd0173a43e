"""The files for Ansible and ssh, checked by ssh and ansible-inventory themselves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioning.hostkeys import keys_in
from provisioning.model import Key
from provisioning.output import Show
from provisioning.run import Run
from provisioning.verbs.inventory import inventory

pytestmark = pytest.mark.slow

CONSOLE = """
cloud-init: done
-----BEGIN SSH HOST KEY KEYS-----
ecdsa-sha2-nistp256 AAAAE2VjZHNh root@ip-10-0-0-4
ssh-ed25519 AAAAC3NzaC1lZDI1 root@ip-10-0-0-4
-----END SSH HOST KEY KEYS-----
"""


def write_inventory(rig: Any, folder: Path, **options: str) -> Path:
    run = Run(spec=rig.spec, cloud=rig.cloud, show=Show(as_json=False, yes=True))
    assert inventory(run, out=str(folder), **options) == 0
    return folder


def ssh_settings(folder: Path, host: str) -> dict[str, str]:
    """ssh's settings for the host from this file; -G prints them and does not connect."""
    told = subprocess.run(
        ["ssh", "-G", "-F", str(folder / "ssh.cfg"), host],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return dict(line.split(" ", 1) for line in told.splitlines() if " " in line)


@pytest.mark.parametrize("name", ["hello", "production"])
def test_private_hosts_are_reached_only_through_the_bastion(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    rig = request.getfixturevalue(f"{name}_rig")
    rig.build()
    folder = write_inventory(rig, tmp_path)
    hosts = [found for found in rig.find_all().values() if found.kind == "host"]
    assert len(hosts) >= 3
    for found in hosts:
        for spelling in (found.name, found.shows["private_ip"]):
            said = ssh_settings(folder, spelling)
            assert said["stricthostkeychecking"] == "true"
            assert said["userknownhostsfile"] == str(folder / "known_hosts")
            assert said["identityfile"].endswith(f"{rig.spec.key.name}.pem")
            assert said["forwardagent"] == "no"
            if found.shows["role"] != "bastion":
                assert said["proxyjump"] == "bastion"
                assert said["hostname"] == found.shows["private_ip"]
    jump = ssh_settings(folder, "bastion")
    assert "proxyjump" not in jump
    bastion = next(found for found in hosts if found.shows["role"] == "bastion")
    assert jump["hostname"] == bastion.shows["public_ip"]
    assert jump["identityfile"] == ssh_settings(folder, hosts[0].name)["identityfile"]


def test_the_bastion_can_be_dialled_elsewhere(hello_rig: Any, tmp_path: Path) -> None:
    hello_rig.build()
    folder = write_inventory(hello_rig, tmp_path, bastion_address="203.0.113.9")
    assert ssh_settings(folder, "bastion")["hostname"] == "203.0.113.9"


def test_ansible_reads_the_inventory(production_rig: Any, tmp_path: Path) -> None:
    production_rig.build()
    folder = write_inventory(production_rig, tmp_path)
    listed = ansible_inventory(folder / "hosts.yml", tmp_path)
    assert sorted(listed["api"]["hosts"]) == ["coupon-api-1", "coupon-api-2"]
    assert sorted(listed["consumer"]["hosts"]) == ["coupon-consumer-1", "coupon-consumer-2"]
    assert listed["bastion"]["hosts"] == ["coupon-bastion"]
    one = listed["_meta"]["hostvars"]["coupon-api-1"]
    assert one["ansible_host"].startswith("10.20.1")
    assert one["redis_decisions_host"] == "master.coupon-store.cache.local"
    assert one["redis_broker_host"] == "master.coupon-broker.cache.local"
    assert one["redis_decisions_tls"] is True
    assert one["redis_decisions_replicas"] == 1
    assert one["mysql_tls"] is True
    assert one["load_balancer_idle_s"] == 60
    assert one["instance_profile"] is True
    assert one["coupon_secrets"]["django_secret_key"].startswith("/coupon/production/secrets/")


def test_13_5_the_inventory_says_whether_tls_ends_at_the_balancer(
    production_rig: Any, tmp_path: Path
) -> None:
    """Ansible derives Secure cookies and the redirect to HTTPS from it."""
    production_rig.build()
    balancer = production_rig.spec.balancer
    said = []
    for changes in ({}, {"certificate_arn": "arn:aws:acm:x:1:certificate/1", "plain_http": ""}):
        production_rig.use_spec(replace(production_rig.spec, balancer=replace(balancer, **changes)))
        hosts = yaml.safe_load(
            (write_inventory(production_rig, tmp_path) / "hosts.yml").read_text()
        )
        said.append([hosts["all"]["vars"][name] for name in ("load_balancer_tls", "plain_http")])
    assert said == [[False, "for trying out"], [True, ""]]


def test_the_dynamic_inventory_finds_the_same_hosts(hello_rig: Any, tmp_path: Path) -> None:
    hello_rig.build()
    folder = write_inventory(hello_rig, tmp_path)
    config = yaml.safe_load((folder / "aws_ec2.yml").read_text())
    config["endpoint_url"] = hello_rig.url  # the plugin takes the endpoint from its configuration
    (folder / "aws_ec2.yml").write_text(yaml.safe_dump(config))
    static = ansible_inventory(folder / "hosts.yml", tmp_path)
    dynamic = ansible_inventory(folder / "aws_ec2.yml", tmp_path)
    for role in ("api", "consumer", "bastion"):
        assert dynamic[role]["hosts"] == static[role]["hosts"]
        for host in static[role]["hosts"]:
            for name in ("ansible_host", "private_ip", "instance_id"):
                told = dynamic["_meta"]["hostvars"][host][name]
                if isinstance(told, dict):  # Ansible marks what came from outside as unsafe
                    told = told["__ansible_unsafe"]
                assert told == static["_meta"]["hostvars"][host][name]


def ansible_inventory(file: Path, home: Path) -> Any:
    program = Path(sys.executable).with_name("ansible-inventory")
    if not program.exists() and not shutil.which("ansible-inventory"):
        pytest.fail("ansible is in requirements.txt and must be installed")
    done = subprocess.run(
        [str(program), "-i", str(file), "--list"],
        capture_output=True, text=True, check=False,
        env={**os.environ, "HOME": str(home), "ANSIBLE_HOME": str(home / "ansible")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_host_keys_come_from_the_console_and_are_pinned_by_name(
    hello_rig: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hello_rig.build()
    monkeypatch.setattr(hello_rig.cloud.ec2, "get_console_output", lambda **_: {"Output": CONSOLE})
    folder = write_inventory(hello_rig, tmp_path)
    known = (folder / "known_hosts").read_text()
    assert "coupon-api ssh-ed25519 AAAAC3NzaC1lZDI1" in known
    assert ssh_settings(folder, "coupon-api")["hostkeyalias"] == "coupon-api"
    monkeypatch.setattr(hello_rig.cloud.ec2, "get_console_output", lambda **_: {"Output": ""})
    assert (write_inventory(hello_rig, folder) / "known_hosts").read_text() == known, "learned once"
    lost = hello_rig.find_all()[Key("host", "coupon-api")].id
    hello_rig.cloud.ec2.terminate_instances(InstanceIds=[lost])
    hello_rig.apply_plan()
    again = (write_inventory(hello_rig, folder) / "known_hosts").read_text()
    assert "coupon-api ssh-ed25519" not in again, "a new host's old keys are forgotten"
    assert "coupon-consumer ssh-ed25519" in again


def test_a_console_without_keys_teaches_nothing() -> None:
    assert keys_in("no keys yet") == ()
    assert keys_in("ssh-ed25519 AAAA outside the block") == ()
