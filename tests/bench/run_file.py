"""A run's file: the figures with their raw samples, the commit and the machine."""

import json
import os
import platform
import subprocess
import sysconfig
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
_SPEED_OPTIONS = {"--enable-optimizations": "PGO", "--with-lto": "LTO"}


def describe_machine() -> dict[str, Any]:
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        **describe_interpreter(),
        "redis_server": _first_line("redis-server", "--version"),
        "mariadb": _first_line("mariadb", "--version"),
        **{name: version(name) for name in _PACKAGES},
    }


def describe_interpreter() -> dict[str, str]:
    """What runs the measured code: its figures differ between builds of one version."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "compiler": platform.python_compiler(),
        "build": build_options(sysconfig.get_config_var("CONFIG_ARGS")),
    }


def build_options(arguments: str | None) -> str:
    """What `configure` was told about speed. Debian profiles its builds without telling it, so no
    option does not mean no profile."""
    if arguments is None:
        return "options of the build unknown"
    named = [name for option, name in _SPEED_OPTIONS.items() if option in arguments]
    return " and ".join(named) or "no PGO or LTO asked of configure"


def interpreter_sentence(machine: Mapping[str, Any]) -> str:
    """One line; a file of an earlier run may know the version only."""
    compiler, build = machine.get("compiler"), machine.get("build")
    about = f" ({compiler}; {build})" if compiler and build else ""
    return f"{machine.get('implementation', 'Python')} {machine['python']}{about}"


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
