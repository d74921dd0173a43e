"""`python -m tests.servers COMMAND`: what the command inherits."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.harness import servers

ROOT = Path(__file__).parents[2]
SHOW = "import json, os; print(json.dumps(dict(os.environ)))"


def environment_of_a_child(given: dict[str, str]) -> dict[str, str]:
    command = [sys.executable, "-m", "tests.servers", "--database", "sqlite"]
    done = subprocess.run(
        [*command, sys.executable, "-c", SHOW],
        cwd=ROOT, env=given, capture_output=True, text=True, check=True,
    )  # fmt: skip
    inherited: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return inherited


def test_12_8_a_command_inherits_the_given_environment_and_none_of_ours() -> None:
    """Importing our packages sets variables, which the command must not inherit: another Django
    project (the comparison's tutorial peer) must not get the product's settings module."""
    given = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    given |= {"LC_ALL": "C.UTF-8", "SOMETHING": "else"}
    inherited = environment_of_a_child(given)
    assert inherited.keys() - given.keys() == {"REDIS_URL", "DATABASE_URL", "ENV_FILES"}
    assert given.items() <= inherited.items()
    assert "DJANGO_SETTINGS_MODULE" not in inherited


def test_databases_that_are_created_at_the_same_time_do_not_interfere(tmp_path: Path) -> None:
    """As with two make targets: in a common folder one removed the other's temporary tables."""
    folders = [tmp_path / str(number) for number in range(8)]
    with ThreadPoolExecutor(len(folders)) as beside:
        list(beside.map(servers.install_mariadb, folders))  # raises the error of a thread
    assert all((folder / "data" / "mysql").is_dir() for folder in folders)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "the following arguments are required: command"),
        (["no-such-program"], "there is no program 'no-such-program'"),
        (["--database", "oracle", "true"], "invalid choice: 'oracle'"),
    ],
    ids=str,
)
def test_a_command_that_can_not_be_run_is_refused_before_servers_start(
    words: list[str], sentence: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.servers", *words], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "REDIS_URL" not in done.stdout
