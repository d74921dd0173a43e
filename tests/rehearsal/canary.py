"""Every secret is a canary: searched for on every host and on the operator's laptop, plainly and in
base64, and found only where the table of ansible/README.md says: file, owner, group and mode."""

from __future__ import annotations

import base64
import fnmatch
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from provisioning.quantities import counted_noun
from tests.rehearsal.cloud import ROOT
from tests.rehearsal.deployment import Deployment
from tests.rehearsal.host import Host
from tests.rehearsal.record import Record, Wrong

PAGE = ROOT / "ansible" / "README.md"
ROW = re.compile(r"^\| `(?P<path>/[^`]+)` \| (?P<owner>\S+) (?P<group>\S+) (?P<mode>\d+) \|", re.M)
SHORTEST = 16  # of a canary: what is shorter would be found by chance
# The values are read from standard input into a file in memory: they are in no command line.
SEARCH = r"""
umask 077; cat >/dev/shm/canaries
seek() { grep -laF -D skip -f /dev/shm/canaries "$@" 2>/dev/null; }
seek -r /etc /home /opt /root /run /srv /tmp /usr/local /var |
  xargs -r -d '\n' stat -c '%U %G %a %n'
seek /proc/[0-9]*/environ | cut -d/ -f3 | while read -r pid; do
  stat -c "%U %G 400 /proc/PID/environ" /proc/$pid 2>/dev/null; done | sort -u
seek /proc/[0-9]*/cmdline | while read -r file; do echo "- - 444 /proc/PID/cmdline"; done
journalctl --output=export --no-pager | grep -qaF -f /dev/shm/canaries && echo "- - 640 journal"
rm /dev/shm/canaries
"""
PLANT = r"""
cat >/dev/shm/one; printf 'x%s' "$(cat /dev/shm/one)" | base64 -w0 >/var/log/planted.log
systemd-cat -t planted sh -c 'echo "a careless line: $(cat /dev/shm/one)"'; journalctl --sync
"""
Place = tuple[str, str, str, str]  # owner, group, mode, path


def forms_of(secret: str) -> Iterator[str]:
    """As it is, and as base64 has it at each of three offsets in a longer text."""
    yield secret
    raw = secret.encode()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        yield encoded[(before * 4 + 2) // 3 : -1]


DRAWN = ("metrics", "grafana", "web", "worker", "site", "operator", "admin")


def derived_secrets(secrets: list[str]) -> Iterator[str]:
    """What roles make of secrets by a hash: keys of codes, and passwords of the stores' users."""
    for secret in secrets:
        for ending in ("", *(f" for {one}" for one in DRAWN)):
            yield sha256(f"{secret}{ending}".encode()).hexdigest()


def canaries(secrets: list[str]) -> str:
    known = [one for one in secrets if len(one) >= SHORTEST]
    assert known
    every = {form for one in (*known, *derived_secrets(known)) for form in forms_of(one)}
    return "\n".join(sorted(every)) + "\n"


def places_of_page(text: str) -> set[Place]:
    return {(row["owner"], row["group"], row["mode"], row["path"]) for row in ROW.finditer(text)}


def places_on(host: Host, wanted: str) -> set[Place]:
    """Where the host has one of them."""
    lines = host.run("sh", "-c", SEARCH, given=wanted).stdout.splitlines()
    found = (line.split(" ", 3) for line in lines)
    return {(owner, group, mode, path) for owner, group, mode, path in found}


def is_allowed(place: Place, table: set[Place]) -> bool:
    return any(place[:3] == row[:3] and fnmatch.fnmatchcase(place[3], row[3]) for row in table)


def canary(it: Deployment, record: Record) -> None:
    wanted, table = canaries(it.secrets()), places_of_page(PAGE.read_text(encoding="utf-8"))
    with record.step("every secret is where the table says, and nowhere else") as step:
        with ThreadPoolExecutor() as several:
            found = several.map(lambda host: places_on(host, wanted), it.hosts.values())
            places = dict(zip(it.hosts, found, strict=True))
        wrongs = [
            f"{name}: {' '.join(place)}"
            for name, some in places.items()
            for place in sorted(some) if not is_allowed(place, table)
        ]  # fmt: skip
        wrongs += [f"the laptop: {file}" for file in files_with(laptop_folders(it), wanted)]
        if wrongs:
            raise Wrong("; ".join(wrongs))
        # Locust's host has the former key of tokens after a rotation, until the next site.yml.
        needed = {row for row in table if row[1] != "loadgen"}
        if unused := [row[3] for row in needed if not _is_used(row, places)]:
            raise Wrong(f"in the table only: {', '.join(unused)}")
        count = sum(len(some) for some in places.values())
        step.found = f"{counted_noun(count, 'place')} on {counted_noun(len(places), 'host')}"
    with record.step("mutation: a secret in a log and in the journal") as step:
        step.found = f"seen: {', '.join(planted_places(it, wanted))}"


def _is_used(row: Place, places: dict[str, set[Place]]) -> bool:
    return any(is_allowed(place, {row}) for some in places.values() for place in some)


def laptop_folders(it: Deployment) -> list[Path]:
    """Ansible's output and facts, the inventory, and what provisioning wrote."""
    folders = [it.books.logs, it.here.folder / "ansible"]
    return [*folders, it.newcomer.checkout / "build"] if it.newcomer else folders


def files_with(folders: list[Path], wanted: str) -> list[str]:
    there = [str(folder) for folder in folders if folder.exists()]
    done = subprocess.run(
        ["grep", "-rlaF", "-D", "skip", "-f", "-", *there],
        input=wanted, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.splitlines()


def planted_places(it: Deployment, wanted: str) -> list[str]:
    host = next(iter(it.hosts.values()))
    secret = next(one for one in it.secrets() if len(one) >= SHORTEST)
    host.run("sh", "-c", PLANT, given=secret)
    try:
        found = [place[3] for place in places_on(host, wanted)]
    finally:
        host.run("rm", "-f", "/dev/shm/one", "/var/log/planted.log")
        # The line would be found by every later search.
        host.run(
            "sh",
            "-c",
            "journalctl --rotate; journalctl --vacuum-size=1K; rm -f /run/log/journal/*/*@*",
        )
    if not {"/var/log/planted.log", "journal"} <= set(found):
        raise Wrong(f"a planted secret was found in {found} only")
    return ["a file, in base64", "the journal"]
