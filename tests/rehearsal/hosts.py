"""All hosts of an environment, as a cloud starts them: with names, keys and access for the
operator."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.rehearsal import base, ubuntu
from tests.rehearsal.cloud import DOMAIN
from tests.rehearsal.host import Host
from tests.rehearsal.network import run_command
from tests.rehearsal.onnetwork import Ground, Stage
from tests.rehearsal.topology import Place

CONSOLE = "-----BEGIN SSH HOST KEY KEYS-----\n{}-----END SSH HOST KEY KEYS-----\n"
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"


@contextmanager
def running_hosts(here: Ground, key: Path) -> Iterator[dict[str, Host]]:
    """Run every host of the topology during the block; yields them by name. `key` is the operator's
    SSH key. The last api host is like Ubuntu's, and its first start has not ended yet."""
    hosts: dict[str, Host] = {}
    like_ubuntu = here.topology.role("api")[-1].name
    try:
        for place in here.topology.hosts:
            hosts[place.name] = host = _make_host(here, place, _public_half(key))
            if place.name == like_ubuntu:
                ubuntu.prepare_first_boot(host, locked_s=_locked_s(here))
            host.start()
        for name, host in hosts.items():
            if name == like_ubuntu:
                ubuntu.wait_for_ssh(host)
            else:
                host.wait_until_up()
        yield hosts
    finally:
        for host in hosts.values():
            host.cut()


def _locked_s(here: Ground) -> int:
    """Seconds in which an update holds dpkg's lock at the first start. Longer than Ansible waits by
    itself in `hello` only: a rehearsal of all the others is to be quick."""
    is_hello = isinstance(here, Stage) and here.spec.environment.name == "hello"
    return ubuntu.LONG_LOCKED_S if is_hello else ubuntu.LOCKED_S


def _make_host(here: Ground, place: Place, key: str) -> Host:
    host = Host(place.name, network=here.network.path(place.name), folder=here.folder / "hosts")
    private, public = _key_pair(here.folder / f"key-{place.name}", place.name)
    host.install({
        "/etc/hostname": (f"{place.name}\n", 0o644),
        "/etc/machine-id": (f"{uuid.uuid4().hex}\n", 0o444),
        "/etc/hosts": (known_names(here, place), 0o644),
        HOST_KEY: (private, 0o600),
        f"{HOST_KEY}.pub": (public, 0o644),
        f"/home/{base.USER}/.ssh/authorized_keys": (key, 0o600),
    })  # fmt: skip
    run_command("chroot", str(host.root), "chown", "-R", base.USER, f"/home/{base.USER}/.ssh")
    # As cloud-init does at the first start: the only place where its host key is published.
    console = here.folder / "told" / f"console-{place.id}"
    console.write_text(CONSOLE.format(public))
    return host


def known_names(here: Ground, place: Place) -> str:
    """In place of the VPC's resolver: the names of the stores, of the balancer, and the host's
    own."""
    known = [f"{one.address} {one.dns}" for one in here.topology.stores]
    # Inside, names have private addresses: not the way out by NAT and in again.
    known += [f"{one.address} {one.dns} {DOMAIN}" for one in here.topology.role("balancer")]
    return "\n".join(["127.0.0.1 localhost", f"{place.address} {place.name}", *known]) + "\n"


def _key_pair(file: Path, comment: str) -> tuple[str, str]:
    run_command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file))
    public = file.with_suffix(".pub")
    return file.read_text(), public.read_text()


def _public_half(private: Path) -> str:
    """The public key of the environment's pair, which a cloud puts on each host."""
    done = subprocess.run(
        ["ssh-keygen", "-y", "-f", str(private)], capture_output=True, text=True, check=True
    )
    return done.stdout
