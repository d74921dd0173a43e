"""Issue 12, 25: every option of the load programs with wrong values: one sentence, status 2."""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.options.walk import (
    Files,
    Try,
    all_options,
    fault_of_refusal,
    run_and_capture,
    wrong_values,
)

TOP = Path(__file__).resolve().parents[2]
# The parser's module; which of its options read a whole file, and what else it needs.
PROGRAMS: dict[str, tuple[frozenset[str], list[str]]] = {
    "run": (frozenset(), []),
    "report": (frozenset({"record"}), []),
    "plot": (frozenset({"found"}), ["<found>", "<picture>"]),
}
RIGHT = {"<found>": "compare.json", "<picture>": "picture.png"}


def option_cases() -> Iterator[Any]:
    for program in PROGRAMS:
        for _, action in all_options(import_module(program).parser()):
            yield pytest.param(program, action, id=f"{program} {action.dest}")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compare.json").write_text('{"medians": {}, "readings": {}, "rounds": 1}')
    return Files(tmp_path)


@pytest.mark.parametrize(("program", "action"), list(option_cases()))
def test_a_program_refuses_a_wrong_value_in_a_sentence(
    program: str, action: Any, files: Files
) -> None:
    reads, needed = PROGRAMS[program]
    parser: ArgumentParser = import_module(program).parser()
    values = files.no_content if action.dest in reads else wrong_values(action, files)
    for value in values:
        words = [RIGHT.get(word, word) for word in Try((), action, ()).command_line(value, needed)]
        wrong = fault_of_refusal(*run_and_capture(lambda words=words: parser.parse_args(words)))  # type: ignore[misc]
        assert not wrong, (value[:80], wrong)


def test_a_load_run_refuses_a_wrong_value_of_every_option() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.load.load_options"], capture_output=True, text=True,
        cwd=TOP, env=os.environ | {"PYTHONPATH": f"{TOP}/locust:{TOP}"}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["faults"] == {}
    assert said["count"] > 100


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        ([], {"WEB_PORT": "80a"}),
        (["-u", "abc"], {}),
        (["-u", "0"], {}),
        (["-u", "-5"], {}),
        (["--stock", "0"], {}),
    ],
)
def test_a_load_run_as_a_process_refuses(words: list[str], settings: dict[str, str]) -> None:
    program = [sys.executable, "-m", "locust", "-f", str(TOP / "locust/locustfile.py")]
    done = subprocess.run(
        [*program, "--headless", *words], env=os.environ | settings,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert fault_of_refusal(done.returncode, done.stderr) == ""


@pytest.mark.parametrize("port", ["80a", "0", "65536", "9" * 5000, "-1", " ", "쿠폰", "٣", "1.5"])
def test_where_a_load_run_finds_the_site_is_a_port(
    port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_PORT", port)
    with pytest.raises(ValueError, match="WEB_PORT"):
        import_module("env_files").web_url()
