"""Issue 12, 25: every option of every program (`python -m …`) refuses wrong values with one
sentence and status 2. The options are read from the parsers, so an option without a case fails
here."""

import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from typing import Any

import pytest

from tests.options.test_wrong_values import ROOT, fill_placeholders, values_of
from tests.options.walk import (
    Files,
    Try,
    all_options,
    fault_of_refusal,
    run_and_capture,
)

PROGRAMS: dict[str, str] = {
    "config.development": "config.development.__main__",
    "tests.bench": "tests.bench.__main__",
    "tests.containers": "tests.containers.__main__",
    "tests.coupons.claims.guessing": "tests.coupons.claims.guessing",
    "tests.crash": "tests.crash.__main__",
    "tests.crash.experiments": "tests.crash.experiments.__main__",
    "tests.fuzz": "tests.fuzz.__main__",
    "tests.provisioning.cloud_server": "tests.provisioning.cloud_server",
    "tests.rehearsal": "tests.rehearsal.__main__",
    "tests.servers": "tests.servers",
    "tests.verbs": "tests.verbs",
}
VALID_OF_PROGRAMS = {"tests.crash.experiments": ["<name>"], "tests.bench": ["<names>"],
                     "tests.provisioning.cloud_server": ["<port>", "<images>"],
                     "tests.verbs": ["<verbs>"]}  # fmt: skip
READS_CONTENT = {("tests.bench", "baseline")}
REMAINS = {("tests.servers", "command")}  # see tests/development/test_servers.py


def program_tries() -> Iterator[Any]:
    for program, module in PROGRAMS.items():
        for before, action in all_options(import_module(module).parser()):
            if (program, action.dest) not in REMAINS:
                name = action.option_strings[-1] if action.option_strings else action.dest
                yield pytest.param(
                    program, before, action, id=f"{' '.join((program, *before))} {name}"
                )


@pytest.mark.parametrize(("program", "before", "action"), list(program_tries()))
def test_a_program_refuses_a_wrong_value_in_a_sentence(
    program: str, before: tuple[str, ...], action: Any, option_files: Files
) -> None:
    parser: ArgumentParser = import_module(PROGRAMS[program]).parser()
    if (program, action.dest) in READS_CONTENT:
        values = option_files.no_content
    else:
        values = values_of(program, action, option_files)
    faults = {}
    for value in values:
        words = fill_placeholders(
            Try(before, action, ()).command_line(value, VALID_OF_PROGRAMS.get(program, []))
        )
        refusal = run_and_capture(partial(parser.parse_args, [*before, *words]))
        wrong = fault_of_refusal(*refusal)
        if wrong:
            faults[value[:80]] = wrong
    assert faults == {}


def test_the_names_that_a_crash_test_takes_are_those_of_its_faults_and_builds() -> None:
    """Names are read from the source. In a separate process: importing a build starts a server."""
    prove = (
        "from tests.crash import broken, faults, names;"
        "assert set(names.fault_names()) == set(faults.DEEDS), names.fault_names();"
        "assert set(names.build_names()) == set(broken.BUILDS), names.builds()"
    )
    subprocess.run([sys.executable, "-c", prove], cwd=ROOT, check=True, timeout=300)
