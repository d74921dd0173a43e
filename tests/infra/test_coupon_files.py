"""The Ansible module that writes several files at once, run by Ansible on this machine."""

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


def write_files(
    folder: Path, *files: dict[str, str], options: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The result of the task."""
    return task_results(folder, *files, options=options)[0]


def task_results(
    folder: Path, *files: dict[str, str], options: tuple[str, ...] = (), **environment: str
) -> list[dict[str, Any]]:
    """The results of all tasks."""
    book, group = folder / "play.yml", f"{os.getegid()}"
    book.write_text(json.dumps(PLAY))
    given = json.dumps({"files": [{"group": group} | file for file in files]})
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", str(book), "-e", given, *options],
        cwd=ANSIBLE, capture_output=True, text=True,
        env=os.environ | SAYS_JSON | {"ANSIBLE_HOME": str(folder)} | environment,
    )  # fmt: skip
    output = json.loads(done.stdout[done.stdout.index("{") :])
    return [dict(task["hosts"]["localhost"]) for task in output["plays"][0]["tasks"]]


@pytest.fixture
def target_file(tmp_path: Path) -> Path:
    return tmp_path / "some.conf"


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="files become root's")


@needs_root
def test_it_writes_what_differs_and_only_that(tmp_path: Path, target_file: Path) -> None:
    one = {"path": str(target_file), "content": "a\n", "mode": "0640"}
    two = {"path": f"{target_file}.2", "content": "b\n"}
    assert write_files(tmp_path, one, two)["written"] == [str(target_file), f"{target_file}.2"]
    assert target_file.read_text() == "a\n"
    assert target_file.stat().st_mode & 0o777 == 0o640
    assert write_files(tmp_path, one, two)["changed"] is False
    assert write_files(tmp_path, one | {"content": "c\n"}, two)["written"] == [str(target_file)]


@needs_root
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_umask_is_restored_for_later_modules(
    strategy: str, tmp_path: Path, target_file: Path
) -> None:
    """Mitogen runs modules in one process: a changed umask would stay for the next one."""
    old = os.umask(0o022)
    try:
        one = {"path": str(target_file), "content": "a\n"}
        wrote, umask = task_results(tmp_path, one, ANSIBLE_STRATEGY=strategy)
    finally:
        os.umask(old)
    assert wrote["written"] == [str(target_file)]
    assert umask["stdout"] == "0022"


@needs_root
def test_rights_alone_are_a_change(tmp_path: Path, target_file: Path) -> None:
    target_file.write_text("a\n")
    target_file.chmod(0o666)
    assert write_files(tmp_path, {"path": str(target_file), "content": "a\n"})["written"] == [
        str(target_file)
    ]
    assert target_file.stat().st_mode & 0o777 == 0o644


def test_check_mode_reports_changes_and_writes_nothing(tmp_path: Path, target_file: Path) -> None:
    result = write_files(
        tmp_path, {"path": str(target_file), "content": "a\n"}, options=("--check", "--diff")
    )  # fmt: skip
    assert result["written"] == [str(target_file)]
    assert result["diff"][0]["after"] == "a\n"
    assert not target_file.exists()


def test_what_is_refused_is_not_written(tmp_path: Path, target_file: Path) -> None:
    target_file.write_text("good\n")
    wrong = {"path": str(target_file), "content": "bad\n", "validate": "grep -q good %s"}
    assert "refused" in write_files(tmp_path, wrong)["msg"]
    assert target_file.read_text() == "good\n"


@needs_root
def test_it_keeps_the_ends_of_lines_and_knows_them_again(tmp_path: Path, target_file: Path) -> None:
    one = {"path": str(target_file), "content": "HTTP/1.1 400 Bad Request\r\n\r\n{}\n"}
    assert write_files(tmp_path, one)["written"] == [str(target_file)]
    assert target_file.read_bytes() == one["content"].encode()
    assert write_files(tmp_path, one)["written"] == []
