"""The module that writes several files at once, run as Ansible runs it, on this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ANSIBLE = Path(__file__).parents[2] / "ansible"
SAYS_JSON = {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
PLAY = [{
    "hosts": "localhost", "connection": "local", "gather_facts": False,
    "vars": {"ansible_python_interpreter": sys.executable},
    "tasks": [
        {"name": "Write", "coupon_files": {"files": "{{ files }}"}},
        {"name": "Ask for the umask that others find", "command": "sh -c umask"},
    ],
}]  # fmt: skip
STRATEGIES = ["linear", "mitogen_linear"]


def write(folder: Path, *files: dict[str, str], options: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the task's result says."""
    return results(folder, *files, options=options)[0]


def results(
    folder: Path, *files: dict[str, str], options: tuple[str, ...] = (), **environment: str
) -> list[dict[str, Any]]:
    """What the result of each task says."""
    book, group = folder / "play.yml", f"{os.getegid()}"
    book.write_text(json.dumps(PLAY))
    given = json.dumps({"files": [{"group": group} | file for file in files]})
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", str(book), "-e", given, *options],
        cwd=ANSIBLE, capture_output=True, text=True,
        env=os.environ | SAYS_JSON | {"ANSIBLE_HOME": str(folder)} | environment,
    )  # fmt: skip
    told = json.loads(done.stdout[done.stdout.index("{") :])
    return [dict(task["hosts"]["localhost"]) for task in told["plays"][0]["tasks"]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.conf"


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="files become root's")


@needs_root
def test_it_writes_what_differs_and_only_that(tmp_path: Path, file: Path) -> None:
    one = {"path": str(file), "content": "a\n", "mode": "0640"}
    two = {"path": f"{file}.2", "content": "b\n"}
    assert write(tmp_path, one, two)["written"] == [str(file), f"{file}.2"]
    assert file.read_text() == "a\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert write(tmp_path, one, two)["changed"] is False
    assert write(tmp_path, one | {"content": "c\n"}, two)["written"] == [str(file)]


@needs_root
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_comes_after_it_finds_the_umask_of_before(
    strategy: str, tmp_path: Path, file: Path
) -> None:
    """Mitogen runs modules in one process: what one leaves behind is the next one's."""
    old = os.umask(0o022)
    try:
        one = {"path": str(file), "content": "a\n"}
        wrote, asked = results(tmp_path, one, ANSIBLE_STRATEGY=strategy)
    finally:
        os.umask(old)
    assert wrote["written"] == [str(file)]
    assert asked["stdout"] == "0022"


@needs_root
def test_rights_alone_are_a_change(tmp_path: Path, file: Path) -> None:
    file.write_text("a\n")
    file.chmod(0o666)
    assert write(tmp_path, {"path": str(file), "content": "a\n"})["written"] == [str(file)]
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_check_tells_and_writes_nothing(tmp_path: Path, file: Path) -> None:
    said = write(
        tmp_path, {"path": str(file), "content": "a\n"}, options=("--check", "--diff")
    )  # fmt: skip
    assert said["written"] == [str(file)]
    assert said["diff"][0]["after"] == "a\n"
    assert not file.exists()


def test_what_is_refused_is_not_written(tmp_path: Path, file: Path) -> None:
    file.write_text("good\n")
    wrong = {"path": str(file), "content": "bad\n", "validate": "grep -q good %s"}
    assert "refused" in write(tmp_path, wrong)["msg"]
    assert file.read_text() == "good\n"


@needs_root
def test_it_keeps_the_ends_of_lines_and_knows_them_again(tmp_path: Path, file: Path) -> None:
    one = {"path": str(file), "content": "HTTP/1.1 400 Bad Request\r\n\r\n{}\n"}
    assert write(tmp_path, one)["written"] == [str(file)]
    assert file.read_bytes() == one["content"].encode()
    assert write(tmp_path, one)["written"] == []
