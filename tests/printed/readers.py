"""Commands that take minutes, root or a cloud: not run, but parsed by the parser of the program
that they start, with the placeholders filled in."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import click

from provisioning.cli import main as provisioning
from tests import verbs

ROOT = Path(__file__).parents[2]
# The placeholders of the pages, and a value for each.
CHOICES = {
    "HOST": "coupon-bastion", "URL": "http://127.0.0.1:8080", "VERB": "plan",
    "DATABASE": "sqlite", "…": "tests", "[VERB": "demo", "…]": "", "PORT": "5000",
    "FILE_FOR_IMAGES": "images.json",
}  # fmt: skip
# A variable of make, and the program to which it passes arguments.
PROGRAMS = {
    "CRASH": "tests.crash", "BENCH": "tests.bench", "REHEARSE": "tests.rehearsal",
    "RUNS": "tests.crash --runs", "SEED": "tests.crash --seed", "LOAD": "locust",
    "CONTAINERS": "tests.containers",
}  # fmt: skip
FREE = {"HOST", "ENV", "BASELINE", "RECORD", "UPDATE"}  # checked only when the command runs


def read_make(command: str) -> None:
    """Raises AssertionError or SystemExit for a command that make or the program would refuse."""
    _, verb, *said = shlex.split(command)
    assert verb in verbs.makefile_verbs(), f"no verb {verb}"
    assert verb not in verbs.unrun_verbs(), f"nobody runs {verb}"
    makefile = (ROOT / "Makefile").read_text()
    (recipe,) = re.findall(rf"^{verb}:.*\n(?:\t.*\n?)+", makefile, re.MULTILINE)
    for name, _, value in (word.partition("=") for word in said):
        assert f"$({name})" in recipe, name
        if name not in FREE:
            read_program(f"{PROGRAMS[name]} {value}")


def read_python(command: str) -> None:
    """`python -m MODULE …` or `python FILE …`."""
    words = command.split()
    if words[1] == "-m":
        read_program(shlex.join(_chosen(words[2:])))
    else:
        file = ROOT / words[1]
        assert file.is_file() or (file / "__main__.py").is_file(), file


def read_program(command: str) -> None:
    module, *words = shlex.split(command)
    if module == "provisioning":
        _read_click(words)
    elif module == "locust":
        _read_locust(words)
    elif parser := _parser_of(module):
        parser(words)
    else:
        assert not words or _is_program(module), module


def _chosen(words: list[str]) -> list[str]:
    """Fill in the placeholders, with all optional words."""
    bare = [word.strip("[]") if word not in CHOICES else word for word in words]
    named = "kill_store" if "tests.crash" in words else "disk"
    chosen = CHOICES | {"NAME": "production" if "provisioning" in words else named}
    return [found for word in bare if (found := chosen.get(word, word))]


def _parser_of(module: str) -> Callable[[list[str]], object] | None:
    package = (ROOT / module.replace(".", "/")).is_dir()
    found = import_module(f"{module}.__main__" if package else module)
    parser = getattr(found, "parser", None)
    return parser().parse_args if parser else None


def _is_program(module: str) -> bool:
    return "__main__" in (ROOT / f"{module.replace('.', '/')}.py").read_text()


def _read_click(words: list[str]) -> None:
    verb, *options = words
    command = provisioning.commands[verb]
    assert isinstance(command, click.Command)
    command.make_context(verb, options)


def _read_locust(words: list[str]) -> None:
    """`--list` parses everything, and starts no users."""
    file = [] if "-f" in words else ["-f", "locust/locustfile.py"]
    done = subprocess.run(
        [sys.executable, "-m", "locust", *file, *words, "--list"], cwd=ROOT,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
