"""Mistakes in a deployment that the rehearsal's checks must detect; each is reverted."""

from __future__ import annotations

from functools import partial

from tests.rehearsal import deployment, onhosts, onhosts_faults, units
from tests.rehearsal.deployment import Deployment
from tests.rehearsal.host import Host
from tests.rehearsal.record import Record, Wrong
from tests.rehearsal.together import run_together

NO_REDIS = "coupons.W001"  # the system check that detects it
WRONG = 6399  # nothing listens there
QUICK_S = 6  # correct units are back within two


def unit_without_restart(it: Deployment, record: Record) -> None:
    host = it.of_role("consumer")[-1]
    with record.step("mutation: a unit without Restart") as step:
        one = units.our_units(host)[0]
        folder = f"/run/systemd/system/{one.name}.d"
        host.run(
            "sh", "-c", f"mkdir -p {folder}; printf '[Service]\\nRestart=no\\n' >{folder}/x.conf"
        )
        host.run("systemctl", "daemon-reload")
        try:
            units.kill_unit(host, one, QUICK_S)
        except Wrong as seen:
            step.found = f"seen: {seen}"
        else:
            raise Wrong("a unit without Restart came back all the same")
        finally:
            host.run("sh", "-c", f"rm -r {folder}; systemctl daemon-reload")
            host.run("systemctl", "restart", one.name)


def secret_in_the_open(it: Deployment, record: Record) -> None:
    host = it.of_role("api")[0]
    with record.step("mutation: a secret readable by others") as step:
        secrets = it.secrets()
        host.run(
            "sh", "-c", "cp /etc/coupon/app.env /var/tmp/forgotten; chmod 644 /var/tmp/forgotten"
        )
        try:
            seen = onhosts.scan_host(host, secrets)
        finally:
            host.run("rm", "/var/tmp/forgotten")
        step.found = f"seen: {'; '.join(seen)}"
        if not seen:
            raise Wrong("a world-readable copy of the settings went unnoticed")


def wrong_redis_port(it: Deployment, record: Record) -> None:
    """Units killed later (`onhosts_faults.kill_units`) restart with the previous settings."""
    with record.step("mutation: a wrong Redis port in the inventory") as step:
        done = it.books.run("deploy", log="deploy-wrong-port", redis_decisions_port=WRONG)
        if done.ok:
            raise Wrong("a release that can't reach its Redis was deployed")
        if NO_REDIS not in done.output:
            raise Wrong(f"deploy.yml failed for another reason:\n{done.end}")
        for host in _serving_hosts(it):
            _insist_on_question(host)
        if not deployment.service_answers(it.sales.url):
            raise Wrong("a release that was refused took the service down")
        step.found = "deploy.yml refuses, and the service goes on"


def killed_halfway(it: Deployment, record: Record) -> None:
    """Killed before it was refused: units restart with the previous settings."""
    with record.step("mutation: a wrong Redis port, and Ansible killed halfway") as step:
        it.books.run(
            "deploy", log="deploy-killed", killed_at="Ask the stores", redis_decisions_port=WRONG
        )
        run_together(*(partial(_restart_host, host) for host in _serving_hosts(it)))
        onhosts_faults.insist_on_settings(it)
        step.found = "units restart with the former settings"


def _serving_hosts(it: Deployment) -> list[Host]:
    return [*it.of_role("api"), *it.of_role("consumer")]


def _insist_on_question(host: Host) -> None:
    if f":{WRONG}/" not in host.run("cat", "/etc/coupon/candidate.env").stdout:
        raise Wrong(f"{host.name} was asked nothing: this proves nothing")


def _restart_host(host: Host) -> None:
    _insist_on_question(host)
    units.kill_unit(host, units.our_units(host)[0])
    units.wait_for_all(host)
