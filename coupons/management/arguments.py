"""Readers of command-line values, for `argparse`: what is wrong is refused in a sentence that says
what would be right. Knows nothing of Django, so that every program of ours can use it."""

import os
import unicodedata
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

ASKED_WRONGLY = 2  # the exit status


class SentenceParser(ArgumentParser):
    """One that says in one sentence what is wrong, without a page of usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(ASKED_WRONGLY, f"{error_sentence(message)} See: {self.prog} --help\n")


def error_sentence(message: str) -> str:
    return f"{message.rstrip('.')}."


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number between two bounds, both of them included."""

    low: int | None = None
    high: int | None = None

    def __call__(self, said: str) -> int:
        try:
            number = int(said)
        except ValueError:
            raise ArgumentTypeError(f"{said!r} is not a whole number.") from None
        _demand_between(said, number, self.low, self.high)
        return number


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number between two bounds, both of them included."""

    low: float
    high: float

    def __call__(self, said: str) -> float:
        try:
            number = float(said)
        except ValueError:
            raise ArgumentTypeError(f"{said!r} is not a number.") from None
        _demand_between(said, number, self.low, self.high)
        return number


def _demand_between(said: str, number: float, low: float | None, high: float | None) -> None:
    if number != number:  # "nan" is neither below nor above
        raise ArgumentTypeError(f"{said!r} is not a number.")
    if (low is not None and number < low) or (high is not None and number > high):
        raise ArgumentTypeError(f"{said} is not between {low:,} and {high:,}.")


@dataclass(frozen=True, slots=True)
class Text:
    """Something other than blanks, of so many bytes at most."""

    most_bytes: int

    def __call__(self, said: str) -> str:
        if not said.strip():
            raise ArgumentTypeError(f"It must be 1 to {self.most_bytes} bytes, not empty.")
        if len(said.encode(errors="replace")) > self.most_bytes:
            raise ArgumentTypeError(f"It is longer than {self.most_bytes} bytes.")
        return said


@dataclass(frozen=True, slots=True)
class Line:
    """The same in one line: what is written into a history, and shown in lists and terminals."""

    most_bytes: int

    def __call__(self, said: str) -> str:
        text = Text(self.most_bytes)(said).strip()
        if not all(sign.isprintable() or unicodedata.category(sign) == "Zs" for sign in text):
            raise ArgumentTypeError("It must be one line, without control characters.")
        return text


@dataclass(frozen=True, eq=False)
class OneOf:
    """One of these names: as `choices`, which `argparse` can't have for `nargs="*"`."""

    known: Collection[str]

    def __call__(self, said: str) -> str:
        if said not in self.known:
            raise ArgumentTypeError(f"There is no {said!r}; there are {', '.join(self.known)}.")
        return said


@dataclass(frozen=True, eq=False)
class Several:
    """Some of these names, with commas between them."""

    known: Collection[str]

    def __call__(self, said: str) -> list[str]:
        return [OneOf(self.known)(name) for name in said.split(",")]


SLUG = Text(64)  # of a campaign that is there, or not: whoever looks it up says so


def input_file(said: str) -> Path:
    """A file that is there and may be read."""
    path = Path(said)
    if path.is_dir() or not said.strip():
        raise ArgumentTypeError(f"{said!r} is a folder, not a file." if said.strip() else _EMPTY)
    if not os.access(path, os.R_OK):
        raise ArgumentTypeError(f"There is no file {said!r} that may be read.")
    return path


def output_file(said: str) -> Path:
    """A file that can be written; its folder may still have to be made."""
    if not said.strip():
        raise ArgumentTypeError(_EMPTY)
    path = Path(said)
    if path.is_dir():
        raise ArgumentTypeError(f"{said!r} is a folder, not a file.")
    _demand_writable(path if path.exists() else _nearest(path.absolute().parent), said)
    return path


def output_folder(said: str) -> Path:
    """A folder that can be written into; it may still have to be made."""
    if not said.strip():
        raise ArgumentTypeError("A folder's name can't be empty.")
    path = Path(said)
    if path.exists() and not path.is_dir():
        raise ArgumentTypeError(f"{said!r} is a file, not a folder.")
    _demand_writable(_nearest(path.absolute()), said)
    return path


_EMPTY = "A file's name can't be empty."


def _nearest(folder: Path) -> Path:
    """The first that is there, of this folder and those above."""
    return next(each for each in (folder, *folder.parents) if each.exists())


def _demand_writable(there: Path, said: str) -> None:
    above_is_file = there.is_file() and there.absolute() != Path(said).absolute()
    if above_is_file or not os.access(there, os.W_OK):
        raise ArgumentTypeError(f"{said!r} can't be written: see {there}.")
