"""Ansible, run as an operator runs it: from the laptop, through the bastion, with the inventory
that provisioning wrote."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.rehearsal import wheels
from tests.rehearsal.cloud import LOGS, ROOT
from tests.rehearsal.onnetwork import Stage
from tests.rehearsal.record import show_progress

TAIL = 40
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.M)
# In addition to ansible/README.md: an offline image, and a certificate authority of the rehearsal.
# Long timeouts, since one machine runs nine hosts and Ansible: a release is judged by what it loses
# or refuses, not by speed.
PATIENT = {"REDIS_TIMEOUT_S": 3}
# The balancer here checks twice a second, AWS' every ten seconds: it detects sooner.
SETTINGS = {
    "app_settings": PATIENT, "api_drain_s": 2,
    "app_silenced_checks": ["coupons.W021"],  # the timeout for Redis
    "front_shed_after_ms": 20_000,
}  # fmt: skip
RELEASE = {"app_version", "app_archive", "loadgen_archive"}
# With Mitogen, which is optional: both must work.
WITH_MITOGEN = {"single"}


@dataclass(frozen=True, kw_only=True)
class Recap:
    ok: bool
    changed: int
    hosts: int
    output: str

    @property
    def end(self) -> str:
        return "\n".join(self.output.splitlines()[-TAIL:])


class Playbooks:
    """`inventories` as Ansible takes them, `ssh` a configuration for ssh; Ansible's output goes to
    `logs`. `online` names the host that has a source of packages."""

    def __init__(
        self,
        name: str,
        folder: Path,
        inventories: tuple[Path, ...],
        ssh: Path,
        *,
        online: str,
        **settings: object,
    ) -> None:
        self.logs = LOGS / name
        self.strategy = "mitogen_linear" if name in WITH_MITOGEN else "linear"
        self._folder, self._inventories, self._ssh = folder, inventories, ssh
        self._extra = SETTINGS | {
            "coupon_online": f"{{{{ inventory_hostname == '{online}' }}}}",
            "app_wheelhouse": str(wheels.make_archive("run")),
            "app_archive": str(folder / "release-{{ app_version }}.tar.gz"),
            "loadgen_wheelhouse": str(wheels.make_archive("loadgen")),
            "loadgen_archive": str(folder / "loadgen-{{ loadgen_version }}.tar.gz"),
        } | settings  # fmt: skip
        self.logs.mkdir(parents=True, exist_ok=True)

    def run(
        self, name: str, *options: str, log: str = "", killed_at: str = "", **extra: object
    ) -> Recap:
        """Run a playbook to its end, successful or not; its output goes to `logs`.

        `extra` are additional variables; None removes a usual one. `killed_at` is a task: Ansible
        and all its processes are killed when it begins.
        """
        given = {name: value for name, value in (self._extra | extra).items() if value is not None}
        variables = json.dumps(given)
        file = self.logs / f"{log or name}.log"
        with file.open("w", buffering=1) as out:
            going = subprocess.Popen(
                [sys.executable, "-m", "ansible", "playbook", f"{name}.yml",
                 *[word for one in self._inventories for word in ("-i", str(one))], "-e", variables,
                 *options],
                cwd=ROOT / "ansible", env=self._environment(), text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                start_new_session=bool(killed_at),
            )  # fmt: skip
            assert going.stdout is not None
            with going.stdout as lines:
                for line in lines:
                    out.write(line)
                    if line.startswith("TASK ["):
                        show_progress(f"{name}.yml: {line[6:].partition(']')[0]}")
                        if killed_at and killed_at in line:
                            os.killpg(going.pid, signal.SIGKILL)
        return read_recap(going.wait(), file.read_text())

    def settings(self) -> dict[str, object]:
        """What every run is given, but for a release and where its archive is."""
        return {name: value for name, value in self._extra.items() if name not in RELEASE}

    def ssh(self, *words: str) -> subprocess.CompletedProcess[str]:
        """With the configuration that `provisioning ssh` uses: [options,] host, command."""
        return subprocess.run(
            ["ssh", "-F", str(self._ssh), "-o", "BatchMode=yes", *words],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        bin = Path(sys.executable).parent
        return os.environ | {
            "PATH": f"{bin}:{os.environ['PATH']}",
            "ANSIBLE_HOME": str(self._folder / "ansible"),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self._folder / "cp"),
            "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_STRATEGY": self.strategy,
        }


def of_account(here: Stage, **settings: object) -> Playbooks:
    """With the inventory that the newcomer has written. What a rehearsal adds is written into it,
    too: `site.yml` as the page prints it needs the same."""
    inventory, ca = here.newcomer.inventory, str(here.authority.file)
    archives = here.newcomer.checkout / "build" / "releases"
    books = Playbooks(
        here.spec.environment.name, here.folder, (inventory / "hosts.yml",), inventory / "ssh.cfg",
        online=here.topology.role("api")[-1].name,
        app_archive=str(archives / "coupon-{{ app_version }}.tar.gz"),
        loadgen_archive=str(archives / "loadgen-{{ loadgen_version }}.tar.gz"),
        common_authorities=[ca], coupon_mysql_authority=ca, coupon_redis_authority=ca, **settings,
    )  # fmt: skip
    beside = inventory / "group_vars" / "all" / "rehearsal.yml"
    beside.write_text(json.dumps(books.settings()))
    add_hosts(here, inventory / "hosts.yml")
    return books


def add_hosts(here: Stage, file: Path) -> None:
    """Add to provisioning's inventory: Locust on one of the hosts, and one host that shall have
    Amazon's agent (which can't be downloaded here)."""
    crowd = (*here.topology.role("monitor"), *here.topology.role("consumer"))[0]
    agent = here.topology.role("consumer")[0]
    document = yaml.safe_load(file.read_text())
    document["all"]["children"]["loadgen"] = {"hosts": {crowd.name: {}}}
    document["all"]["hosts"] = {agent.name: {"cloudwatch_wanted": True}}
    file.write_text(yaml.safe_dump(document, sort_keys=False))


def read_recap(code: int, output: str) -> Recap:
    lines = RECAP.findall(output)
    return Recap(
        ok=code == 0, changed=sum(int(line[2]) for line in lines), hosts=len(lines), output=output
    )
