"""inventory: writes hosts.yml, aws_ec2.yml, ssh.cfg and known_hosts for Ansible and ssh."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from provisioning.discovery import discover_resources
from provisioning.errors import ProvisioningError
from provisioning.hostkeys import learn_host_keys
from provisioning.inventory import (
    demand_way_in,
    dynamic_inventory,
    hosts_of,
    inventory_document,
    ssh_config,
)
from provisioning.run import Run
from provisioning.spec.model import Spec

HEADER = "# Made by `python -m provisioning inventory`; changes by hand are lost.\n"


def folder_of(spec: Spec, out: str) -> Path:
    return Path(out or f"build/inventory/{spec.environment.name}").resolve()


def inventory(run: Run, *, out: str, bastion_address: str = "") -> int:
    """Writes the files. Returns 0, also if host keys are still missing; it names their hosts."""
    found = discover_resources(run.cloud)
    folder = folder_of(run.spec, out)
    _demand_readable(folder)
    if not bastion_address:
        demand_way_in(hosts_of(found))
    document = inventory_document(run.spec, found, folder)
    config = ssh_config(run.spec, found, folder, bastion_address=bastion_address)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "hosts.yml", HEADER + yaml.safe_dump(document, sort_keys=False))
    dynamic = yaml.safe_dump(dynamic_inventory(run.spec), sort_keys=False)
    _write(folder / "aws_ec2.yml", HEADER + dynamic)
    _write(folder / "ssh.cfg", HEADER + config)
    missing = learn_host_keys(run.cloud, hosts_of(found), folder / "known_hosts")
    run.show.answer({"folder": str(folder), "inventory": document, "host_keys_missing": missing})
    if missing:
        run.show.say(
            f"No host keys on the console yet of {', '.join(missing)}; "
            "run this again a few minutes after their launch."
        )
    run.show.say(f"Wrote hosts.yml, aws_ec2.yml, ssh.cfg and known_hosts to {folder}.")
    return 0


def _demand_readable(folder: Path) -> None:
    """Ansible expands variables in every path that it is given, and this can't be switched off."""
    if os.path.expandvars(folder) != str(folder):
        raise ProvisioningError(
            f"Ansible would read a part of {folder} as a variable.",
            todo="Take a folder whose name has no variable's name after a $.",
        )


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
