"""Asking `config.development.django_side` for a piece of work, and reading what it says."""

import json
import sys
from typing import Any

from config.development.environment import Site
from config.development.process.programs import Program

PATIENCE_S = 120  # migrating a real server's database the first time


def start_work(site: Site, verb: str, *arguments: str) -> Program:
    """Start the work; `result` reads what comes of it."""
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
    """Start the work and wait for it. Raises Trouble with its own words if it fails."""
    with start_work(site, verb, *arguments) as work:
        work.finish(patience_s=PATIENCE_S)
    return work_result(site, verb)
