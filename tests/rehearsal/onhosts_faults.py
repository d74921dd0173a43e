"""The steps that break hosts: a reboot, kill -9 of each unit, a loss of power."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from provisioning.quantities import counted_noun
from tests.rehearsal import deployment, opening, units
from tests.rehearsal.deployment import Deployment
from tests.rehearsal.host import Host
from tests.rehearsal.onhosts import STOCK, USERS
from tests.rehearsal.record import Record, Wrong


def reboot(it: Deployment, record: Record) -> None:
    host = it.of_role("api")[0]
    with record.step(f"{host.name} reboots") as step:
        before, began = host.init, time.monotonic()
        it.books.ssh(host.name, "sudo", "systemctl", "reboot")
        while host.init == before and time.monotonic() - began < units.BACK_S:
            time.sleep(0.1)
        host.wait_until_up()
        found = units.wait_for_all(host)
        it.restore_balancer()
        back_s = time.monotonic() - began
        step.found = f"back by itself after {back_s:.1f} s, {counted_noun(len(found), 'unit')}"


def kill_units(it: Deployment, record: Record) -> None:
    with record.step("kill -9 of each unit") as step:
        with ThreadPoolExecutor() as several:
            took = {
                name: seconds
                for found in several.map(_kill_each, it.hosts.values())
                for name, seconds in found.items()
            }
        insist_on_settings(it)
        longest = max(took.values())
        killed = counted_noun(len(took), "unit")
        step.found = f"{killed}, each back within {longest:.1f} s, with settings that work"


def _kill_each(host: Host) -> dict[str, float]:
    """Kill the units of a host one after another. Returns the seconds until each was back."""
    took = {f"{host.name} {one.name}": units.kill_unit(host, one) for one in units.our_units(host)}
    if took:
        units.wait_for_all(host)
    return took


def insist_on_settings(it: Deployment) -> None:
    """Restarted programs must have valid settings, whatever a refused release has left."""
    it.restore_balancer()
    for host in it.of_role("api"):
        if host.run("/usr/local/bin/coupon-manage", "check", "--tag", "stores").returncode:
            raise Wrong(f"{host.name} was left with settings that don't work")
    if not deployment.service_answers(it.sales.url):
        raise Wrong("what was started again doesn't serve")


def lose_a_consumer(it: Deployment, record: Record) -> None:
    lost = it.of_role("consumer")[0]

    def pull_the_plug() -> None:
        time.sleep(0.5)
        lost.cut()

    with record.step(f"{lost.name} loses power in the middle of an opening") as step:
        try:
            played = opening.play_rush(it.sales, users=USERS, stock=STOCK, during=pull_the_plug)
        finally:
            lost.start()
        step.found = played.summary()
        played.insist()
        lost.wait_until_up()
        units.wait_for_all(lost)
