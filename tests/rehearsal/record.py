"""The record of a rehearsal: each step, its result and duration. Shown, and written as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.rehearsal import leftovers


class Wrong(Exception):
    """A step of the rehearsal failed."""


@dataclass
class Step:
    name: str
    found: str = ""
    seconds: float = 0.0
    # Of all processes of the rehearsal: hosts, stores, and steps that run at the same time.
    cpu_seconds: float = 0.0
    ok: bool = False


@dataclass
class Record:
    environment: str
    steps: list[Step] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)
    worked: float = 0.0

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Show the step while it runs, and then its result. Exceptions propagate."""
        one, begun, worked = Step(name), time.monotonic(), leftovers.cpu_seconds()
        self.steps.append(one)
        _print_line(f"  … {name}", end="\r" if sys.stderr.isatty() else "\n")
        try:
            yield one
            one.ok = True
        except BaseException as error:
            one.found = one.found or f"{type(error).__name__}: {error}"
            raise
        finally:
            one.seconds = round(time.monotonic() - begun, 1)
            self.worked = leftovers.cpu_seconds()
            one.cpu_seconds = round(self.worked - worked, 1)
            took = f"{one.seconds} s, CPU {one.cpu_seconds} s"
            _print_line(f"  {'✓' if one.ok else '✗'} {name}: {one.found}  ({took})")

    def write(self, file: Path) -> None:
        document = {
            "environment": self.environment,
            "commit": _current_commit(),
            "seconds": round(time.monotonic() - self.begun, 1),
            "cpu_seconds": round(self.worked, 1),
            "ok": all(step.ok for step in self.steps),
            "steps": [asdict(step) for step in self.steps],
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def show_progress(text: str) -> None:
    """Show progress within a step, on a terminal only."""
    if sys.stderr.isatty():
        _print_line(f"  … {text[:72]}", end="\r")


def _current_commit() -> str:
    command = ["git", "describe", "--always", "--dirty=+"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _print_line(line: str, end: str = "\n") -> None:
    print(f"{line:<78}", end=end, file=sys.stderr, flush=True)
