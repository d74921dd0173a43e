"""Every option of a parser with values that it must refuse, generated from the parser itself.

An option's values are defined by its reader (`management.arguments`, `locust/option_types.py`) or
its choices. An option whose reader is not known here has no case: then `wrong_values` raises, and
its test fails until wrong values are added here.
"""

import argparse
import contextlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BLANKS = ["", " ", "\t"]
HUGE = "1" + "0" * 400
LONGER_THAN_PYTHON_READS = "9" * 5_000


@dataclass(frozen=True, slots=True)
class Try:
    """One option (or positional argument) of a parser, and values to refuse. `before` are the words
    before it: the verbs that select a sub-parser."""

    before: tuple[str, ...]
    action: argparse.Action
    values: tuple[str, ...]

    @property
    def option_name(self) -> str:
        return self.action.option_strings[-1] if self.action.option_strings else self.action.dest

    def command_line(self, value: str, valid: list[str]) -> list[str]:
        """A command line that is valid except for this value. `valid` are the other required
        arguments; a positional option replaces its placeholder `<dest>` in them."""
        if self.action.option_strings:
            return [*valid, f"{self.option_name}={value}"]
        return [value if word == f"<{self.action.dest}>" else word for word in valid]


@dataclass(slots=True)
class Files:
    """Paths that can't be used as an input file, output file or folder."""

    folder: Path
    file: Path = field(init=False)

    def __post_init__(self) -> None:
        self.file = self.folder / "a-file"
        self.file.write_text("not what anybody looks for\n")

    @property
    def no_input(self) -> list[str]:
        return [*BLANKS[:2], str(self.folder / "missing"), str(self.folder)]

    @property
    def no_output(self) -> list[str]:
        return [*BLANKS[:2], str(self.folder), str(self.file / "below")]

    @property
    def no_folder(self) -> list[str]:
        return [*BLANKS[:2], str(self.file), str(self.file / "below")]

    @property
    def no_content(self) -> list[str]:
        """Missing files, and files with the wrong contents."""
        contents = [b"abc", b"", b"[1]", b"{}", b"\x00\xff", b'{"figures": 1}', b"null"]
        paths = [self.folder / f"content-{number}" for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        return [*self.no_input, *map(str, paths)]


def all_options(
    parser: argparse.ArgumentParser,
    before: tuple[str, ...] = (),
    known: frozenset[str] = frozenset(),
) -> Iterator[tuple[tuple[str, ...], argparse.Action]]:
    """(verbs, option) for all options of a parser and its sub-parsers, except those named in
    `known`."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb, below in action.choices.items():
                yield from all_options(below, (*before, verb), known)
        elif not isinstance(action, argparse._HelpAction) and action.dest not in known:
            yield before, action


def wrong_values(action: argparse.Action, files: Files) -> list[str]:
    """Values that the option must refuse. Raises LookupError for an unknown reader."""
    if action.choices is not None:
        return ["nosuch", *BLANKS]
    if action.nargs == 0:
        return ["1", "no"]  # a flag takes no value
    by_name = {
        "input_file": files.no_input,
        "input_or_stdin": files.no_input,
        "output_file": files.no_output,
        "output_folder": files.no_folder,
        "merchants_address": ["nosuch", "ftp://host", "http://", "http://host:0", "http://u@host"],
        "site_address": ["nosuch", "ftp://host", "http://", "http://host:0", "http://u@host/path"],
        "program_file": [*files.no_input, str(files.file)],
    }
    kind = action.type
    name = getattr(kind, "__name__", type(kind).__name__)
    if name in by_name:
        return by_name[name]
    if name in _BY_KIND:
        return _BY_KIND[name](kind)
    raise LookupError(
        f"{action.option_strings or action.dest}: no wrong values are known for {kind!r}."
        " Give it a reader of coupons.management.arguments, or a case in tests/options."
    )


def _of_whole(kind: Any) -> list[str]:
    values = [*BLANKS, "abc", "1.5", "NaN", "inf", "0x10", LONGER_THAN_PYTHON_READS]
    if kind.low is not None:
        values += [str(kind.low - 1), "-1" if kind.low >= 0 else str(kind.low - 2)]
    if kind.high is not None:
        values += [str(kind.high + 1), HUGE]
    return values


def _of_number(kind: Any) -> list[str]:
    below, above = kind.low - max(1.0, abs(kind.low)), kind.high + max(1.0, abs(kind.high))
    return [*BLANKS, "abc", "NaN", "inf", "-inf", "1e400", str(below), str(above)]


_BY_KIND: dict[str, Callable[[Any], list[str]]] = {
    "Whole": _of_whole,
    "Number": _of_number,
    "Text": lambda kind: [*BLANKS, "x" * (kind.most_bytes + 1), "가" * kind.most_bytes],
    "Line": lambda kind: [
        *BLANKS,
        "x" * (kind.most_bytes + 1),
        "x\ny",
        "x\x1b[2J",
        "x\x00",
        "x\u202ey",
        "\u200b",
        "x\u2028y",
    ],
    "OneOf": lambda kind: ["nosuch", *BLANKS],
    "Several": lambda kind: ["nosuch", ",", f"{next(iter(kind.known))},nosuch", *BLANKS],
    "campaign_name": lambda kind: [" ", "x" * 65],
}


def run_and_capture(call: Callable[[], object]) -> tuple[int | None, str]:
    """(exit status, standard error) of a call. The status is None if it did not exit."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            call()
        except SystemExit as end:
            return (end.code if isinstance(end.code, int) else 1), said.getvalue()
    return None, said.getvalue()


def fault_of_refusal(status: int | None, said: str, expected: int = 2) -> str:
    """What is wrong with the refusal of a wrong value; empty if nothing."""
    if status != expected:
        return f"status {status}: {said[-500:]}"
    if "Traceback" in said:
        return f"a traceback: {said[-500:]}"
    if len(said.strip().splitlines()) != 1:
        return f"not one sentence: {said[-500:]!r}"
    return "" if said.strip().endswith((".", "--help", "--yes")) else f"no sentence: {said!r}"
