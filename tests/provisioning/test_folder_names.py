"""Folders with difficult names, read by ssh and Ansible themselves (issue 12, part 11)."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioning.discovery import discover_resources
from provisioning.errors import ProvisioningError
from provisioning.inventory import ssh_config
from provisioning.output import Show
from provisioning.quoting import ansible_words, ssh_word
from provisioning.run import Run
from provisioning.verbs.inventory import inventory
from provisioning.verbs.ssh import ssh

pytestmark = pytest.mark.slow

NAMES = [
    "my keys", "My Projects", "o'brien", 'the "new" one', "#1", "a #b", "100% done", "%h", "%%d",
    "$HOME", "a$b", "back\\slash", "쿠폰 열쇠", "naïve ☕ 🎫", "-x", "--out", " before", "behind ",
    "~", "a;b", "a&b", "a|b", "a*b?", "[a]", "{a}", "(a)", "{{ a }}", "{% a %}", "{# a", "a=b",
    "a,b", "`id`", ":smile:", "[bold]x[/]", "!unsafe", "a: b", "<a>",
    """the "new" o'ne #1 100% {{ a }} \\ {{{{% b %}}}""",
]  # fmt: skip


def write_inventory(rig: Any, folder: Path) -> None:
    run = Run(spec=rig.spec, cloud=rig.cloud, show=Show(as_json=False, yes=True))
    assert inventory(run, out=str(folder)) == 0


@pytest.fixture
def applied_rig(hello_rig: Any) -> Any:
    hello_rig.build()
    return hello_rig


def test_ssh_opens_the_files_in_a_folder_of_any_name(
    applied_rig: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, wrong = discover_resources(applied_rig.cloud), []
    for name in NAMES:
        keys, folder = tmp_path / "k" / name, tmp_path / "inventory" / name
        monkeypatch.setenv("COUPON_KEYS_DIR", str(keys))
        folder.mkdir(parents=True)
        (folder / "ssh.cfg").write_text(ssh_config(applied_rig.spec, found, folder))
        assert "proxyjump bastion" in what_ssh_reads(folder / "ssh.cfg", "coupon-api"), name
        said = what_ssh_says(folder / "ssh.cfg", "coupon-api")
        if str(keys / "helloAWS.pem") not in said or str(folder / "known_hosts") not in said:
            wrong.append((name, said))
    assert wrong == []


def what_ssh_reads(config: Path, host: str) -> list[str]:
    """ssh's settings for the host; -G prints them and does not connect."""
    command = ["ssh", "-G", "-F", str(config), host]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def what_ssh_says(config: Path, host: str) -> str:
    """ssh's log lines about the files that it opens, with all tokens expanded. Without network: a
    ProxyCommand greets as a server does, and ends."""
    done = subprocess.run(
        ["ssh", "-vvv", "-F", str(config), "-o", "BatchMode=yes",
         "-o", f"ProxyCommand=sh -c {shlex.quote(GREETING)}", host, "true"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False,
    )  # fmt: skip
    return _printed(done.stderr).decode(errors="replace")


# Ends when ssh has sent more than its greeting: it has read the host's keys by then.
GREETING = "printf 'SSH-2.0-greeting\\r\\n'; head -c 200 >/dev/null"


def _printed(said: bytes) -> bytes:
    """ssh writes non-ASCII bytes in octal, and doubles a backslash."""
    return re.sub(
        rb"\\([0-7]{3}|\\)",
        lambda found: b"\\" if found[1] == b"\\" else bytes([int(found[1], 8)]),
        said,
    )


def test_ansible_reads_the_inventory_in_a_folder_of_any_name(
    applied_rig: Any, tmp_path: Path
) -> None:
    for name in ("My Projects", 'the "new" o\'ne #1 100% {{ a }}', "쿠폰"):
        folder = tmp_path / name
        write_inventory(applied_rig, folder)
        listed = run_ansible(tmp_path, "inventory", "-i", str(folder / "hosts.yml"), "--list")
        assert listed.returncode == 0, listed.stderr
        assert json.loads(listed.stdout)["api"]["hosts"] == ["coupon-api"]


def test_what_ansible_makes_of_each_name_is_one_word(tmp_path: Path) -> None:
    """Read from YAML, rendered as a template and split like a shell does, by Ansible itself."""
    hosts = {
        f"h{n}": {"said": ansible_words("-F", Path("/x") / name)} for n, name in enumerate(NAMES)
    }
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    # One task for all of them: a task for each host starts three processes.
    content = "{% for host in groups.all %}{{ host }} {{ hostvars[host].said }}\n{% endfor %}"
    copy = {"content": content, "dest": str(tmp_path / "all")}
    task = {"copy": copy, "delegate_to": "localhost", "connection": "local", "run_once": True}
    (tmp_path / "play.yml").write_text(
        json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}])
    )
    done = run_ansible(
        tmp_path, "playbook", "-i", str(tmp_path / "hosts.yml"), str(tmp_path / "play.yml")
    )
    assert done.returncode == 0, done.stdout
    lines = (tmp_path / "all").read_text().splitlines()
    said = {host: shlex.split(words) for host, _, words in (line.partition(" ") for line in lines)}
    assert said == {f"h{number}": ["-F", f"/x/{name}"] for number, name in enumerate(NAMES)}


def run_ansible(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ansible", *words],
        cwd=Path(__file__).parents[2] / "ansible", capture_output=True, text=True, check=False,
        env=os.environ | {"HOME": str(home), "ANSIBLE_HOME": str(home / "ansible"),
                          "ANSIBLE_STRATEGY": "linear"},
    )  # fmt: skip


RECORDER = """#!/bin/sh
for word; do printf '%s\\n' "$word"; done >>"{log}"
echo ---- >>"{log}"
exit 255
"""


@pytest.mark.parametrize("strategy", ["linear", "mitogen_linear"])
def test_ansible_hands_ssh_the_file_as_one_word(
    strategy: str, applied_rig: Any, tmp_path: Path
) -> None:
    """With Ansible's own connection and with Mitogen's; each splits the words itself."""
    folder = tmp_path / """the "new" o'ne #1 100% $no_such {{ a }} 쿠폰"""
    write_inventory(applied_rig, folder)
    recorder, log = tmp_path / "ssh", tmp_path / "words"
    recorder.write_text(RECORDER.format(log=log))
    recorder.chmod(0o755)
    play = [{"hosts": "coupon-api", "gather_facts": False, "tasks": [{"ping": {}}]}]
    (tmp_path / "play.yml").write_text(json.dumps(play))
    subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", str(folder / "hosts.yml"),
         "-e", json.dumps({"ansible_ssh_executable": str(recorder)}), str(tmp_path / "play.yml")],
        cwd=Path(__file__).parents[2] / "ansible", capture_output=True, check=False, timeout=120,
        env=os.environ | {"ANSIBLE_HOME": str(tmp_path), "ANSIBLE_STRATEGY": strategy},
    )  # fmt: skip
    words = log.read_text().splitlines()
    assert words[words.index("-F") + 1] == str(folder / "ssh.cfg")


def test_the_printed_command_is_one_that_a_shell_understands(
    applied_rig: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / ("long " * 40 + "'\"$no_such :smile: [bold]")
    write_inventory(applied_rig, folder)
    run = Run(spec=applied_rig.spec, cloud=applied_rig.cloud, show=Show(as_json=False, yes=True))
    assert ssh(run, host="coupon-api", out=str(folder), go=False, rest=("ls", "a b")) == 0
    [line] = capsys.readouterr().out.splitlines()
    said = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert said == ["ssh", "-F", str(folder / "ssh.cfg"), "coupon-api", "ls", "a b"]


@pytest.mark.parametrize("name", ["line\nbreak", "tab\tbed", "bell\x07", "half\udcff"])
def test_a_name_that_no_line_can_hold_is_refused_before_anything_is_written(
    name: str, applied_rig: Any, tmp_path: Path
) -> None:
    for quote in (ssh_word, ansible_words):
        with pytest.raises(ProvisioningError):
            quote(Path("/home") / name)
    with pytest.raises(ProvisioningError):
        write_inventory(applied_rig, tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {"keys"}  # of the environment itself


@pytest.mark.parametrize("name", ["${HOME}", "${no_such}", "$HOME", "my $HOME"])
def test_what_ssh_or_ansible_would_fill_in_is_refused(
    name: str, applied_rig: Any, tmp_path: Path
) -> None:
    with pytest.raises(ProvisioningError, match="variable"):
        write_inventory(applied_rig, tmp_path / name)
