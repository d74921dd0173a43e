"""SSH host keys, read over AWS' own authenticated API instead of trusted on first use.

cloud-init prints a new host's public keys on its console. Until they are there (some minutes
after launch), ssh refuses the host, as it should. AWS keeps the console of the newest boot only, so
the first operator who learns them stores them for all (`stored_host_keys.py`).
"""

from __future__ import annotations

import re
from pathlib import Path

from provisioning.aws import Cloud
from provisioning.client_errors import translated_errors
from provisioning.inventory import Host
from provisioning.stored_host_keys import store_host_keys, stored_host_keys

BLOCK = re.compile(
    r"-----BEGIN SSH HOST KEY KEYS-----\s*(.*?)-----END SSH HOST KEY KEYS-----", re.DOTALL
)
KEY = re.compile(r"(ssh-ed25519|ecdsa-sha2-nistp\d+|ssh-rsa) ([A-Za-z0-9+/=]+)")


def keys_in(console: str) -> tuple[str, ...]:
    """The public keys that a host printed at its first start; empty if it has not (yet)."""
    block = BLOCK.search(console)
    return tuple(f"{kind} {key}" for kind, key in KEY.findall(block[1])) if block else ()


def learn_host_keys(cloud: Cloud, hosts: tuple[Host, ...], file: Path) -> tuple[str, ...]:
    """Writes known_hosts for every host; keys that it has are kept, and stored for the other
    operators. Returns the names of hosts without keys."""
    known = _known(file)
    with translated_errors("Reading the stored host keys"):
        stored = stored_host_keys(cloud)
    for host in hosts:
        mark = f"{host.name} {host.id}"
        if mark not in known and (keys := stored.get(host.id) or _printed_keys(cloud, host)):
            known[mark] = [f"{host.name} {key}" for key in keys]
        if mark in known and host.id not in stored:
            _store(cloud, host, known[mark])
    current = {f"{host.name} {host.id}": host.name for host in hosts}
    kept = {mark: known[mark] for mark in current if mark in known}
    file.write_text(_text(kept), encoding="utf-8")
    return tuple(name for mark, name in current.items() if mark not in kept)


def _printed_keys(cloud: Cloud, host: Host) -> tuple[str, ...]:
    with translated_errors(f"Reading {host.name}'s console"):
        return keys_in(cloud.ec2.get_console_output(InstanceId=host.id).get("Output", ""))


def _store(cloud: Cloud, host: Host, lines: list[str]) -> None:
    keys = tuple(line.removeprefix(f"{host.name} ") for line in lines)
    with translated_errors(f"Storing {host.name}'s keys"):
        store_host_keys(cloud, instance=host.id, host=host.name, keys=keys)


def _known(file: Path) -> dict[str, list[str]]:
    """`name instance` (a comment line) -> lines of its keys. A replaced host has another instance
    id, so its old keys are dropped."""
    known: dict[str, list[str]] = {}
    mark = ""
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        if line.startswith("# "):
            mark = line[2:]
            known[mark] = []
        elif mark and line:
            known[mark].append(line)
    return known


def _text(known: dict[str, list[str]]) -> str:
    return "".join(f"# {mark}\n" + "\n".join(lines) + "\n" for mark, lines in known.items())
