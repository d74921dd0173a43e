"""A run's file: the figures with their raw samples, the commit and the machine."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure

_PACKAGES = (
    "django",
    "djangorestframework",
    "redis",
    "hiredis",
    "mysqlclient",
    "celery",
    "granian",
)


def describe_machine() -> dict[str, Any]:
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
        "redis_server": _first_line("redis-server", "--version"),
        "mariadb": _first_line("mariadb", "--version"),
        **{name: version(name) for name in _PACKAGES},
    }


def measured_commit() -> str:
    """The measured commit, with `+` if tracked files differ from it."""
    changed = _first_line("git", "status", "--porcelain", "--untracked-files=no")
    return _first_line("git", "rev-parse", "--short", "HEAD") + ("+" if changed else "")


def dump_run(figures: Iterable[Figure], about: Mapping[str, Any]) -> str:
    by_name = {figure.name: _without_name(figure) for figure in figures}
    return json.dumps({**about, "figures": by_name}, indent=1) + "\n"


def load_run(text: str) -> tuple[dict[str, Any], list[Figure]]:
    """The inverse of `dump_run`. Raises ValueError, KeyError, TypeError for another file."""
    about = json.loads(text)
    by_name = about.pop("figures")
    return about, [Figure(name, **rest) for name, rest in by_name.items()]


def _without_name(figure: Figure) -> dict[str, Any]:
    return {name: value for name, value in asdict(figure).items() if name != "name"}


def _first_line(*command: str) -> str:
    try:
        output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""
    return output.partition("\n")[0]


def _cpu_model() -> str:
    """The first processor's model."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
