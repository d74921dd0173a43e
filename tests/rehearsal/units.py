"""Our systemd units on a host: which exist, whether they run, and kill -9 of them."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.rehearsal.host import Host
from tests.rehearsal.record import Wrong

OURS = ("coupon-*.service", "haproxy.service")
BACK_S = 30


@dataclass(frozen=True)
class Unit:
    name: str
    pid: int
    state: str


def our_units(host: Host) -> list[Unit]:
    """Every enabled unit of the service on the host, in any state."""
    done = host.run(
        "systemctl", "list-units", "--all", "--plain", "--no-legend", "--type=service", *OURS
    )
    names = [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
    return [find_unit(host, name) for name in names if not name.startswith("coupon-migrate")]


def find_unit(host: Host, name: str) -> Unit:
    output = host.run("systemctl", "show", name, "--property=MainPID,ActiveState").stdout
    shown = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
    return Unit(name, int(shown.get("MainPID", 0)), shown.get("ActiveState", ""))


def wait_for_all(host: Host, patience: float = BACK_S) -> list[Unit]:
    """Wait until all our units are active. Raises Wrong if one is not in time."""
    deadline = time.monotonic() + patience
    while True:
        found = our_units(host)
        idle = [one.name for one in found if one.state != "active"]
        if found and not idle:
            return found
        if time.monotonic() > deadline:
            raise Wrong(f"{host.name}: {', '.join(idle) or 'no unit of ours'} did not come back")
        time.sleep(0.2)


def kill_unit(host: Host, one: Unit, patience: float = BACK_S) -> float:
    """kill -9 of its main process. Returns the seconds until it has another. Raises Wrong if
    none."""
    began = time.monotonic()
    host.run("kill", "-9", str(one.pid))
    while time.monotonic() - began < patience:
        now = find_unit(host, one.name)
        if now.state == "active" and now.pid not in (0, one.pid):
            return time.monotonic() - began
        time.sleep(0.1)
    raise Wrong(f"{host.name}: {one.name} did not come back after kill -9")
