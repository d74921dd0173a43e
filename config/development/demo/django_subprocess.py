"""Runs a verb of `config.development.django_side` in a subprocess and reads its result."""

import json
import sys
from typing import Any

from config.development.environment import Site
from config.development.process.programs import Program

PATIENCE_S = 120  # timeout; the first migration of a real server takes longest


def start_work(site: Site, verb: str, *arguments: str) -> Program:
    """Start the subprocess; `work_result` reads its result after it has ended."""
    out = site.file(f"{verb}.json")
    out.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "config.development.django_side",
        verb,
        "--out",
        str(out),
        *arguments,
    ]
    return Program(verb, command, env=site.env, log=site.log(verb))


def work_result(site: Site, verb: str) -> Any:
    return json.loads(site.file(f"{verb}.json").read_text())


def run_work(site: Site, verb: str, *arguments: str) -> Any:
    """Run the subprocess and return its result. Raises Trouble with its output if it fails."""
    with start_work(site, verb, *arguments) as work:
        work.finish(patience_s=PATIENCE_S)
    return work_result(site, verb)
