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
from provisioning.verbs.ssh import ssh
from tests.provisioning.command_line import call_command_line
from tests.provisioning.printed_keys import host_key

pytestmark = pytest.mark.slow


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


@pytest.mark.parametrize("names", [(), ("coupons.shop.kr", "coupon.shop.kr")])
def test_16_12_the_inventory_names_what_users_call(
    production_rig: Any, tmp_path: Path, names: tuple[str, ...]
) -> None:
    production_rig.build()
    balancer = replace(production_rig.spec.balancer, hostnames=names)
    production_rig.use_spec(replace(production_rig.spec, balancer=balancer))
    document = yaml.safe_load((write_inventory(production_rig, tmp_path) / "hosts.yml").read_text())
    said = document["all"]["vars"]
    assert said["load_balancer_names"] == (list(names) or [said["load_balancer_host"]])


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


def pinned_hosts(folder: Path) -> dict[str, str]:
    """host -> its key in known_hosts."""
    lines = (folder / "known_hosts").read_text().splitlines()
    return {line.split()[0]: line.split()[2] for line in lines if not line.startswith("#")}


def printed_hosts(rig: Any) -> dict[str, str]:
    """host -> the key that it printed at its first boot."""
    hosts = (found for found in rig.find_all().values() if found.kind == "host")
    return {host.name: host_key(host.id) for host in hosts}


def stored_host_keys(rig: Any) -> list[str]:
    pages = rig.cloud.ssm.get_paginator("get_parameters_by_path").paginate(
        Path="/coupon/hello/host-keys"
    )
    return [one["Name"].rpartition("/")[2] for page in pages for one in page["Parameters"]]


def reboot_all(rig: Any) -> None:
    ids = [found.id for found in rig.find_all().values() if found.kind == "host"]
    rig.cloud.ec2.reboot_instances(InstanceIds=ids)
    for id in ids:
        assert "HOST KEY" not in rig.cloud.ec2.get_console_output(InstanceId=id)["Output"]


def test_host_keys_come_from_the_console_and_are_pinned_by_name(
    hello_rig: Any, tmp_path: Path
) -> None:
    hello_rig.build()
    folder = write_inventory(hello_rig, tmp_path)
    known = (folder / "known_hosts").read_text()
    assert pinned_hosts(folder) == printed_hosts(hello_rig)
    assert ssh_settings(folder, "coupon-api")["hostkeyalias"] == "coupon-api"
    reboot_all(hello_rig)
    assert (write_inventory(hello_rig, folder) / "known_hosts").read_text() == known, "learned once"
    lost = hello_rig.find_all()[Key("host", "coupon-api")].id
    hello_rig.cloud.ec2.terminate_instances(InstanceIds=[lost])
    hello_rig.apply_plan()
    assert pinned_hosts(write_inventory(hello_rig, folder)) == printed_hosts(hello_rig)
    assert host_key(lost) not in (folder / "known_hosts").read_text(), "its old keys are forgotten"


def test_16_9_a_second_operator_pins_the_keys_after_a_reboot(
    hello_rig: Any, tmp_path: Path
) -> None:
    hello_rig.build()
    write_inventory(hello_rig, tmp_path / "first")
    reboot_all(hello_rig)
    second = write_inventory(hello_rig, tmp_path / "second")
    assert pinned_hosts(second) == printed_hosts(hello_rig)


def test_16_9_keys_that_one_operator_had_learned_before_are_shared(
    hello_rig: Any, tmp_path: Path
) -> None:
    """Known hosts of an earlier release are in a file only."""
    hello_rig.build()
    first = write_inventory(hello_rig, tmp_path / "first")
    for id in stored_host_keys(hello_rig):
        hello_rig.cloud.ssm.delete_parameter(Name=f"/coupon/hello/host-keys/{id}")
    reboot_all(hello_rig)
    write_inventory(hello_rig, first)
    assert pinned_hosts(write_inventory(hello_rig, tmp_path / "second")) == pinned_hosts(first)


def test_16_9_ssh_pins_a_host_that_came_after_the_inventory(hello_rig: Any, tmp_path: Path) -> None:
    hello_rig.build()
    folder = write_inventory(hello_rig, tmp_path / "second")
    (folder / "known_hosts").write_text("")
    reboot_all(hello_rig)
    run = Run(spec=hello_rig.spec, cloud=hello_rig.cloud, show=Show(as_json=True, yes=True))
    assert ssh(run, host="coupon-api", out=str(folder), go=False, rest=()) == 0
    assert pinned_hosts(folder) == printed_hosts(hello_rig)


def test_16_9_a_stored_value_adds_no_line_of_its_own(hello_rig: Any, tmp_path: Path) -> None:
    hello_rig.build()
    host = hello_rig.find_all()[Key("host", "coupon-api")]
    hello_rig.cloud.ssm.put_parameter(
        Name=f"/coupon/hello/host-keys/{host.id}", Type="String",
        Value="* ssh-ed25519 AAAAother\n@cert-authority * ssh-rsa AAAA\nssh-ed25519 AAAAown",
    )  # fmt: skip
    folder = write_inventory(hello_rig, tmp_path)
    lines = (folder / "known_hosts").read_text().splitlines()
    assert [line for line in lines if line.startswith("coupon-api ")] == [
        "coupon-api ssh-ed25519 AAAAown"
    ]
    assert not [line for line in lines if line.startswith(("*", "@"))]


def test_16_9_stored_keys_go_with_their_host_and_with_the_environment(
    hello_rig: Any, tmp_path: Path, shared_clients: None
) -> None:
    hello_rig.build()
    write_inventory(hello_rig, tmp_path)
    ids = [found.id for found in hello_rig.find_all().values() if found.kind == "host"]
    assert sorted(stored_host_keys(hello_rig)) == sorted(ids)
    network = hello_rig.spec.network
    moved = tuple(
        replace(s, cidr="10.0.9.0/24") if s.tier == "public" else s for s in network.subnets
    )
    spec = hello_rig.spec
    hello_rig.use_spec(replace(spec, network=replace(network, subnets=moved)))
    hello_rig.apply_plan()
    assert stored_host_keys(hello_rig) == [], "all three hosts were replaced"
    write_inventory(hello_rig, tmp_path)
    lost = hello_rig.find_all()[Key("host", "coupon-api")].id
    hello_rig.cloud.ec2.terminate_instances(InstanceIds=[lost])  # by hand: its keys stay
    assert call_command_line("destroy", "--yes", "--skip-final-snapshot") == 0
    assert stored_host_keys(hello_rig) == []


def test_a_console_without_keys_teaches_nothing() -> None:
    assert keys_in("no keys yet") == ()
    assert keys_in("ssh-ed25519 AAAA outside the block") == ()


def test_hosts_of_two_environments_have_no_address_in_common(
    hello_rig: Any, production_rig: Any, tmp_path: Path
) -> None:
    """Ansible keeps a connection for a minute by user, address and port alone: a playbook of
    another environment would be run on the host at its other end."""
    addresses = []
    for rig in (hello_rig, production_rig):
        rig.build()
        folder = write_inventory(rig, tmp_path / rig.spec.environment.name)
        listed = yaml.safe_load((folder / "hosts.yml").read_text())["all"]["children"]
        of_role = [group["hosts"].values() for group in listed.values()]
        addresses += [variables["ansible_host"] for hosts in of_role for variables in hosts]
        (bastion,) = listed["bastion"]["hosts"].values()
        names = (bastion["ansible_host"], "bastion")
        reached = [ssh_settings(folder, name)["hostname"] for name in names]
        assert reached[0] == reached[1]
    assert len(addresses) == 9
    assert len(set(addresses)) == 9
