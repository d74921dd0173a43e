"""Where each host listens, TCP and UDP, held against the table of ansible/README.md."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provisioning.quantities import counted_noun
from tests.rehearsal.cloud import ROOT
from tests.rehearsal.deployment import Deployment
from tests.rehearsal.host import Host
from tests.rehearsal.record import Record, Wrong

PAGE = ROOT / "ansible" / "README.md"
ROW = re.compile(
    r"^\| (?P<hosts>[a-z ,]+) \| (?P<port>\d+) (?P<kind>TCP|UDP) \| (?P<at>[a-z]+) \|", re.M
)
Listener = tuple[str, str, int]  # TCP or UDP; any, private or loopback; the port


def listeners_of_page(text: str) -> dict[str, set[Listener]]:
    """By role; `all` is every host, `consumer one` the first consumer."""
    found: dict[str, set[Listener]] = {}
    for row in ROW.finditer(text):
        for role in row["hosts"].split(", "):
            found.setdefault(role, set()).add((row["kind"], row["at"], int(row["port"])))
    return found


def listeners_on(host: Host) -> Iterator[Listener]:
    for line in host.run("ss", "-Hltun").stdout.splitlines():
        kind, _, _, _, local, *_ = line.split()
        address, _, port = local.rpartition(":")
        yield kind.upper(), _reach_of(address), int(port)


def _reach_of(address: str) -> str:
    plain = address.strip("[]").partition("%")[0]
    if plain in ("*", "0.0.0.0", "::"):
        return "any"
    return "loopback" if plain.startswith("127.") or plain == "::1" else "private"


def roles_of(it: Deployment, host: Host) -> set[str]:
    """As the table names them, also those that an inventory gives to a host of another role."""
    roles = {role for role in ("bastion", "api", "consumer", "monitor") if host in it.of_role(role)}
    if it.newcomer is None:
        roles |= {"api", "consumer", "monitor", "single"}
    if "consumer" in roles and host == it.of_role("consumer")[0]:
        roles.add("consumer one")
    if host.run("test", "-e", "/etc/loadgen.env").returncode == 0:
        roles.add("loadgen")
    return roles | {"all"}


def ports(it: Deployment, record: Record) -> None:
    """Ephemeral UDP ports of clients are none: they are connected, or closed a moment later."""
    with record.step("each host listens where the table says, and nowhere else") as step:
        table = listeners_of_page(PAGE.read_text(encoding="utf-8"))
        wrongs = [wrong for host in it.hosts.values() if (wrong := _port_fault(it, host, table))]
        if wrongs:
            raise Wrong("; ".join(wrongs))
        step.found = counted_noun(len(it.hosts), "host")


def _port_fault(it: Deployment, host: Host, table: dict[str, set[Listener]]) -> str:
    wanted = set().union(*(table.get(role, set()) for role in roles_of(it, host)))
    found = set(listeners_on(host))
    late = table.get("loadgen", set())  # Locust takes seconds to start
    more, less = sorted(found - wanted), sorted(wanted - found - late)
    if not more and not less:
        return ""
    return f"{host.name}: not in the table {more}, in the table only {less}"
