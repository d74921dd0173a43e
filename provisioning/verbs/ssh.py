"""ssh HOST: prints or runs the ssh command for a host, whose key is pinned first."""

from __future__ import annotations

import shlex
import subprocess

from provisioning.discovery import discover_resources
from provisioning.errors import ProvisioningError
from provisioning.hostkeys import learn_host_keys
from provisioning.inventory import demand_way_in, hosts_of
from provisioning.run import Run
from provisioning.verbs.inventory import folder_of


def ssh(run: Run, *, host: str, out: str, go: bool, rest: tuple[str, ...]) -> int:
    """Prints the command; with `go` runs it and returns its exit code."""
    hosts = hosts_of(discover_resources(run.cloud))
    names = [known_host.name for known_host in hosts]
    if host != "bastion" and host not in names:
        raise ProvisioningError(
            f"There is no host {host!r}.", todo=f"There are: {', '.join(names) or 'none'}."
        )
    demand_way_in(hosts)
    config = folder_of(run.spec, out) / "ssh.cfg"
    if not config.exists():
        raise ProvisioningError(f"{config} isn't there.", todo="Run the inventory verb first.")
    learn_host_keys(run.cloud, hosts, config.with_name("known_hosts"))
    command = ["ssh", "-F", str(config), host, *rest]
    if go:
        return subprocess.run(command, check=False).returncode
    run.show.answer({"command": command})
    if not run.show.as_json:
        run.show.line(shlex.join(command))
    return 0
