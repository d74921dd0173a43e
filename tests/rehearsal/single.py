"""`--env single`: all on one host, as in ansible/inventory/single, with MariaDB and Redis.

No cloud: a rented machine, whose firewall allows ssh and the API's port.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from tests.rehearsal import (
    hosts,
    onhosts,
    onhosts_faults,
    onhosts_rotation,
    onhosts_stores,
    onhosts_updates,
    releases,
)
from tests.rehearsal.cloud import ROOT
from tests.rehearsal.deployment import Deployment
from tests.rehearsal.host import Host
from tests.rehearsal.network import run_command, running_network
from tests.rehearsal.onnetwork import Ground
from tests.rehearsal.opening import Sales
from tests.rehearsal.people import AUDIENCE, ISSUER
from tests.rehearsal.playbooks import Playbooks
from tests.rehearsal.record import Record
from tests.rehearsal.topology import ANYWHERE, Group, Place, Rule, Topology

INVENTORY = ROOT / "ansible" / "inventory" / "single" / "hosts.yml"
NAME, PUBLIC = "coupon", "203.0.113.10"  # as in the inventory
SSH = """
Host *
  User ubuntu
  IdentityFile {folder}/keys/operator.pem
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
  StrictHostKeyChecking yes
Host {name}
  HostName {public}
"""
STEPS = (
    onhosts.install, onhosts_updates.first_boot, onhosts.service, onhosts.doors, onhosts.rush,
    onhosts_stores.refused_by_stores, onhosts_rotation.rotate_stores,
    onhosts.install_again, onhosts_faults.reboot, onhosts_faults.kill_units,
    onhosts_updates.unattended, onhosts_updates.patch, onhosts.rush, onhosts.no_java,
    onhosts.no_leaks,
)  # fmt: skip


def rehearse_single(folder: Path, record: Record) -> None:
    with start_single(folder, record) as it:
        for step in STEPS:
            step(it, record)


@contextmanager
def start_single(folder: Path, record: Record) -> Iterator[Deployment]:
    with ExitStack() as stack:
        with record.step("host") as step:
            net = stack.enter_context(running_network())
            net.enter_operator()
            here = Ground(network=net, topology=_make_topology(), folder=folder)
            net.wire(here.topology)
            running = stack.enter_context(hosts.running_hosts(here, _make_key(folder)))
            _trust_host(folder)
            step.found = "one with systemd as process 1"
        secrets = folder / "secrets"
        books = Playbooks(
            "single", folder, (INVENTORY,), folder / "ssh.cfg", online=NAME,
            ansible_ssh_common_args=f"-F {folder}/ssh.cfg", coupon_secrets_folder=str(secrets),
            app_version=(release := releases.work_tree()), app_hosts=[PUBLIC],
            app_plain_http="for trying out",
            app_silenced_checks=[f"coupons.W0{number}" for number in (20, 21, 25, 26)],
            app_jwt_issuer=ISSUER, app_jwt_audience=AUDIENCE,
        )  # fmt: skip
        sales = Sales(
            here=here, books=books, url=f"http://{PUBLIC}:8080", manager=NAME,
            token_key=lambda: (secrets / "user_token_key").read_text().strip(),
            rows=partial(_query_rows, running[NAME]),
        )  # fmt: skip
        yield Deployment(
            here=here, hosts=running, balancer=None, books=books, sales=sales, release=release,
            secrets=lambda: [file.read_text().strip() for file in secrets.iterdir()],
        )  # fmt: skip


def _make_topology() -> Topology:
    rules = [Rule(protocol="tcp", first=port, last=port, peers=(ANYWHERE,)) for port in (22, 8080)]
    out = Rule(protocol="-1", first=-1, last=-1, peers=(ANYWHERE,))
    host = Place(
        name=NAME, role="api", address="10.9.0.4", groups=("sg-1",), subnet="", id="i-1",
        public=PUBLIC, seen_as=PUBLIC,
    )  # fmt: skip
    groups = {"sg-1": Group(id="sg-1", ingress=tuple(rules), egress=(out,))}
    return Topology(cidr="10.9.0.0/24", groups=groups, places=(host,))


def _make_key(folder: Path) -> Path:
    (folder / "told").mkdir()
    (folder / "keys").mkdir()
    file = folder / "keys" / "operator.pem"
    run_command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file))
    return file


def _trust_host(folder: Path) -> None:
    """The host's key, as read on its console."""
    key = (folder / f"key-{NAME}.pub").read_text()
    (folder / "known_hosts").write_text(f"{PUBLIC} {key}")
    (folder / "ssh.cfg").write_text(SSH.format(folder=folder, name=NAME, public=PUBLIC))


def _query_rows(host: Host, query: str) -> list[list[str]]:
    done = host.run("mariadb", "--batch", "--skip-column-names", "coupons", "-e", query)
    return [line.split("\t") for line in done.stdout.splitlines()]
