"""Operations between releases: a dry run, pausing a sale, restarts, key rotation; and Locust."""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import Any

from provisioning.quantities import counted_noun
from tests.rehearsal import onhosts, onhosts_releases
from tests.rehearsal.deployment import Deployment
from tests.rehearsal.host import Host
from tests.rehearsal.playbooks import PATIENT, Recap
from tests.rehearsal.record import Record, Wrong

LONG_S = 60
# Commands for a campaign, and the status for a new user afterwards.
VERBS = (("pause", 503), ("resume", 202), ("close", 410))
LISTENER = """
import socket, subprocess
ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ear.bind(("127.0.0.1", 8125))
ear.settimeout(20)
subprocess.run(["systemctl", "start", "oldest-waiting.service"], check=True)
print(ear.recv(1000).decode())
"""


def look_first(it: Deployment, record: Record) -> None:
    """--check --diff with another setting: prints the changes and makes none."""
    with record.step("site.yml --check --diff with another setting") as step:
        host, file = it.of_role("consumer")[0], "/etc/coupon/app.env"
        before = host.run("cat", file).stdout
        other = PATIENT | {"DRAIN_BATCH": 400}
        done = it.books.run("site", "--check", "--diff", log="site-check", app_settings=other)
        step.found = f"{done.changed} would change"
        onhosts.insist_on_recap(done)
        if not done.changed or host.run("cat", file).stdout != before:
            raise Wrong(f"{step.found}, and the settings changed all the same, or nothing would")


def operate(it: Deployment, record: Record) -> None:
    with record.step(
        "operate.yml: pause, resume, close a campaign; status, reconcile, unlock"
    ) as step:
        slug, _ = it.sales.schedule(stock=10)
        for verb, status in VERBS:
            done = it.books.run(
                "operate", verb=verb, campaign=slug, final=verb == "close", log=f"operate-{verb}"
            )
            onhosts.insist_on_recap(done)
            if (answered := claim_status(it, slug)) != status:
                raise Wrong(f"after {verb} the status of a claim is {answered}, not {status}")
        for verb, word in (("status", it.release), ("reconcile", f"{slug}: 1 admitted, 1 stored")):
            done = it.books.run("operate", verb=verb, log=f"operate-{verb}")
            onhosts.insist_on_recap(done)
            if word not in done.output:
                raise Wrong(f"{verb} doesn't say {word}:\n{done.end}")
        done = it.books.run("operate", verb="operator", user="mina", role="operator",
                            log="operate-operator")  # fmt: skip
        onhosts.insist_on_recap(done)
        if "/admin/invitation/" not in done.output:
            raise Wrong(f"operator prints no link:\n{done.end}")
        done = it.books.run("operate", verb="unlock", user="mina", log="operate-unlock")
        onhosts.insist_on_recap(done)
        if "mina may log in" not in done.output:
            raise Wrong(f"unlock doesn't say that mina may log in:\n{done.end}")
        step.found = "each does what it says"


def claim_status(it: Deployment, slug: str) -> int:
    """The status of a new user's claim."""
    [(_, token)] = it.sales.people(1, secrets.token_hex(4))
    return status_of_claim(it, slug, token)


def status_of_claim(it: Deployment, slug: str, token: str) -> int:
    request = urllib.request.Request(
        f"{it.sales.url_of(slug)}/claims", method="POST",
        headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return refusal.code


def restarts(it: Deployment, record: Record) -> None:
    """Also with a new Django key, stored where secrets are kept."""
    path = f"{it.account.spec.path}/secrets/django-secret-key"
    new = secrets.token_hex(32)
    with record.step("operate.yml: restart_workers, then rotate_keys, while people claim") as step:
        summaries = [onhosts_releases.while_people_claim(it, _verb_runner(it, "restart_workers"))]
        it.account.cloud.ssm.put_parameter(
            Name=path, Value=new, Type="SecureString", Overwrite=True
        )
        summaries.append(onhosts_releases.while_people_claim(it, _verb_runner(it, "rotate_keys")))
        for host in (*it.of_role("api"), *it.of_role("consumer")):
            if new not in host.run("cat", "/etc/coupon/app.env").stdout:
                raise Wrong(f"{host.name} has the former key")
        step.found = "; ".join(summaries)


def _verb_runner(it: Deployment, verb: str) -> Callable[[], Recap]:
    return partial(it.books.run, "operate", verb=verb, log=f"operate-{verb}")


def crowd(it: Deployment, record: Record) -> None:
    """Locust, as deployed by Ansible, plays an opening and reports its verdict."""
    host = _locusts_host(it)
    with record.step(f"Locust on {host.name}: its page, its worker, a crowd") as step:
        slug, _ = it.sales.schedule(stock=30)
        workers = _wait_for(host, lambda: _get_json(host, "/stats/requests").get("workers"))
        form = f"user_count=60&spawn_rate=60&campaign={slug}&seconds=2&warm_up=0&scenario=opening"
        host.run("curl", "-sf", "-d", form, "http://127.0.0.1:8089/swarm")
        report = _wait_for(host, lambda: _get_json(host, "/verdict.json"))
        step.found = f"{counted_noun(len(workers), 'worker')}; told {report['verdict']}"[:120]
        if not report["verdict"]["well"]:
            raise Wrong(f"the verdict is {report['verdict']}")


def _locusts_host(it: Deployment) -> Host:
    """Its service may still be starting after a deployment."""
    deadline = time.monotonic() + LONG_S
    while time.monotonic() < deadline:
        for host in it.hosts.values():
            if _get_text(host, "/"):
                return host
        time.sleep(1)
    raise Wrong(f"Locust's page answers on none of {', '.join(it.hosts)}")


def _get_json(host: Host, path: str) -> dict[str, Any]:
    """Empty if there is no report yet."""
    body = _get_text(host, path)
    return dict(json.loads(body)) if body.startswith("{") else {}


def _get_text(host: Host, path: str) -> str:
    return host.run("curl", "-sf", f"http://127.0.0.1:8089{path}").stdout


def _wait_for(host: Host, check: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + LONG_S
    while not (seen := check()):
        if time.monotonic() > deadline:
            journal = host.run("journalctl", "-n", "20", "-o", "cat", "-u", "locust-*").stdout
            raise Wrong(f"Locust's page doesn't say what it should:\n{journal}")
        time.sleep(0.5)
    return seen


def figure(it: Deployment, record: Record) -> None:
    """Amazon's agent is not available here: the role must have reported that and continued."""
    host = it.of_role("consumer")[0]
    with record.step("CloudWatch: no agent to be had, the figure is told all the same") as step:
        if "No CloudWatch agent" not in (it.books.logs / "site.log").read_text():
            raise Wrong("the role says nothing of the agent that can't be fetched")
        result = host.run("python3", "-c", LISTENER)
        step.found = result.stdout.strip() or result.stderr[-200:]
        wanted = f"|g|#Environment:{it.account.spec.environment.name}"
        if not step.found.startswith("OldestWaitingSeconds:") or wanted not in step.found:
            raise Wrong(f"the agent would have heard {step.found!r}")


def nothing_told(it: Deployment, record: Record) -> None:
    with record.step("no secret in what Ansible printed") as step:
        known = [value for value in it.secrets() if value]
        logs = list(it.books.logs.glob("*.log"))
        leaking = [log.name for log in logs if any(one in log.read_text() for one in known)]
        if leaking:
            raise Wrong(f"secrets stand in {', '.join(leaking)}")
        looked_for = counted_noun(len(known), "secret")
        step.found = f"{looked_for} looked for in {counted_noun(len(logs), 'log')}"
