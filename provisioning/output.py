"""Output: tables and progress, or JSON. Results go to stdout, everything else to stderr, so that
results can be piped."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from provisioning.dependency_order import Task
from provisioning.errors import Declined
from provisioning.executor import Progress

COLOURS = {
    "create": "green", "change": "yellow", "replace": "red", "delete": "red", "wait": "cyan",
    "keep": "dim", "ok": "green", "bad": "red", "unknown": "yellow",
}  # fmt: skip


MARKS = {Progress.DONE: "done  ", Progress.WAITING: "waits ", Progress.FAILED: "FAILED"}


class Show:
    """The output of a run. With `as_json` stdout gets exactly one JSON document."""

    def __init__(self, *, as_json: bool, yes: bool) -> None:
        self.as_json = as_json
        self.yes = yes
        # A pipe has no width: names must not be truncated there.
        self.out = Console(width=None if sys.stdout.isatty() else 240)
        self.err = Console(stderr=True, soft_wrap=True, highlight=False)

    def say(self, sentence: str) -> None:
        """To stderr: a closing sentence, a warning, progress."""
        self.err.print(sentence, markup=False, emoji=False)

    def table(self, title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
        if self.as_json:
            return
        self.out.print(title, style="italic", highlight=False, soft_wrap=True)
        table = Table(box=None, pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            cells = list(row)
            table.add_row(*cells, style=COLOURS.get(cells[0], ""))
        self.out.print(table)

    def answer(self, document: Any) -> None:
        """The result as JSON; printed only with `as_json`."""
        if self.as_json:
            self.document(document)

    def document(self, document: Any) -> None:
        """JSON, also without `as_json`: for documents that are input of other programs."""
        sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")

    def line(self, text: str) -> None:
        """A line to be copied as it is: no markup, no wrapping."""
        sys.stdout.write(f"{text}\n")

    def progress(self, task: Task, progress: Progress, note: str) -> None:
        if progress is Progress.BEGUN:
            return
        mark = MARKS[progress]
        self.err.print(f"{mark} {task.half} {task.step.key} {note}".rstrip(), markup=False)

    def ask(self, question: str, *, expect: str = "yes") -> None:
        """Raises Declined unless the operator types `expect`, or passed --yes."""
        if self.yes:
            return
        if not sys.stdin.isatty():
            raise Declined("There is no terminal to ask at.", todo="To confirm, pass --yes.")
        if click.prompt(f"{question} Type {expect!r}", err=True, default="") != expect:
            raise Declined("Nothing was done.")
