"""How exposed a host's services are, as `systemd-analyze security` judges: each at most 2.0 of 10,
or as exposure.toml allows, with a reason."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from provisioning.quantities import counted_noun
from tests.rehearsal.deployment import Deployment
from tests.rehearsal.host import Host
from tests.rehearsal.record import Record, Wrong

MOST = 2.0
TABLE = Path(__file__).with_name("exposure.toml")
SERVICES = (
    "systemctl list-units --plain --no-legend --type=service --state=active,activating,failed"
    " | awk '{print $1}'; systemctl list-timers --all --plain --no-legend | awk '{print $NF}'"
)
JUDGE = (
    "for unit in $(" + SERVICES + '); do echo "$unit $(systemd-analyze security --offline=true'
    ' --no-pager "$unit" 2>&1 | tail -1)"; done'
)


def exposure_in(text: str) -> float:
    """The figure of systemd-analyze's last line. Raises ValueError if there is none."""
    found = re.search(r"exposure level for \S+: (\d+\.\d+)", text)
    if not found:
        raise ValueError(f"systemd-analyze judged nothing: {text[-300:]}")
    return float(found[1])


def allowed_exposures() -> dict[str, float]:
    """By unit, or by the beginning that units share: the most that the table allows."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {name: float(row["most"]) for name, row in table.items()}


def allowed_exposure(unit: str, table: dict[str, float]) -> float:
    return next((most for name, most in table.items() if fnmatch.fnmatchcase(unit, name)), MOST)


def judged_services(host: Host) -> dict[str, float]:
    """The exposure of each service that the host runs, also by a timer; instances by their
    template."""
    lines = host.run("sh", "-c", JUDGE).stdout.splitlines()
    judged = [line.partition(" ") for line in lines if "exposure level" in line]
    return {re.sub(r"@[^.]*\.", "@.", name): exposure_in(text) for name, _, text in judged}


def exposure_faults(host: Host) -> list[str]:
    table = allowed_exposures()
    return [
        f"{host.name}: {name} has {figure}, not {allowed_exposure(name, table)}"
        for name, figure in sorted(judged_services(host).items())
        if figure > allowed_exposure(name, table)
    ]


def services(it: Deployment, record: Record) -> None:
    with record.step("each service is in its sandbox, as the table of exposures has it") as step:
        with ThreadPoolExecutor() as several:
            faults = [
                one for some in several.map(exposure_faults, it.hosts.values()) for one in some
            ]
        if faults:
            raise Wrong("; ".join(faults))
        judged = {name for host in it.hosts.values() for name in judged_services(host)}
        hosts = counted_noun(len(it.hosts), "host")
        step.found = f"{counted_noun(len(judged), 'service')} on {hosts}"
