"""Types for `argparse`: each refuses a wrong value (raises ArgumentTypeError) with a sentence that
says what is allowed. Imports no Django, so that every program of ours can use it."""

import os
import unicodedata
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from coupons.claims.stranger_text import is_plain_identifier

ASKED_WRONGLY = 2  # the exit status


class SentenceParser(ArgumentParser):
    """An ArgumentParser whose errors are one sentence, without the usage text."""

    def error(self, message: str) -> NoReturn:
        self.exit(ASKED_WRONGLY, f"{error_sentence(message)} See: {self.prog} --help\n")


def error_sentence(message: str) -> str:
    return f"{message.rstrip('.')}."


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number between two bounds, both included."""

    low: int | None = None
    high: int | None = None

    def __call__(self, value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise ArgumentTypeError(f"{value!r} is not a whole number.") from None
        _demand_between(value, number, self.low, self.high)
        return number


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number between two bounds, both included."""

    low: float
    high: float

    def __call__(self, value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            raise ArgumentTypeError(f"{value!r} is not a number.") from None
        _demand_between(value, number, self.low, self.high)
        return number


def _demand_between(value: str, number: float, low: float | None, high: float | None) -> None:
    if number != number:  # "nan" is neither below nor above
        raise ArgumentTypeError(f"{value!r} is not a number.")
    if (low is not None and number < low) or (high is not None and number > high):
        raise ArgumentTypeError(f"{value} is not between {low:,} and {high:,}.")


@dataclass(frozen=True, slots=True)
class Text:
    """Text that is not blank, of at most so many bytes, in one line without control characters;
    kept byte by byte, since it may be a user's id."""

    most_bytes: int

    def __call__(self, value: str) -> str:
        if not value.strip():
            raise ArgumentTypeError(f"It must be 1 to {self.most_bytes} bytes, not empty.")
        if len(value.encode(errors="replace")) > self.most_bytes:
            raise ArgumentTypeError(f"It is longer than {self.most_bytes} bytes.")
        if not is_plain_identifier(value):
            raise ArgumentTypeError("It must be one line, without control characters.")
        return value


@dataclass(frozen=True, slots=True)
class Line:
    """As Text, but stripped and in NFC: for a campaign's history, which lists and terminals
    show."""

    most_bytes: int

    def __call__(self, value: str) -> str:
        text = Text(self.most_bytes)(value).strip()
        if not all(sign.isprintable() or unicodedata.category(sign) == "Zs" for sign in text):
            raise ArgumentTypeError("It must be one line, without control characters.")
        return unicodedata.normalize("NFC", text)


@dataclass(frozen=True, eq=False)
class OneOf:
    """One of these names. As `choices`, which `argparse` does not support with `nargs="*"`."""

    known: Collection[str]

    def __call__(self, value: str) -> str:
        if value not in self.known:
            raise ArgumentTypeError(f"There is no {value!r}; there are {', '.join(self.known)}.")
        return value


@dataclass(frozen=True, eq=False)
class Several:
    """A comma-separated list of these names."""

    known: Collection[str]

    def __call__(self, value: str) -> list[str]:
        return [OneOf(self.known)(name) for name in value.split(",")]


SLUG = Text(64)  # a campaign's; whether it exists is checked later


def input_file(value: str) -> Path:
    """A file that exists and can be read."""
    path = Path(value)
    if path.is_dir() or not value.strip():
        raise ArgumentTypeError(f"{value!r} is a folder, not a file." if value.strip() else _EMPTY)
    if not os.access(path, os.R_OK):
        raise ArgumentTypeError(f"There is no file {value!r} that may be read.")
    return path


def input_or_stdin(value: str) -> Path:
    """As `input_file`; `-` is standard input."""
    return Path("-") if value == "-" else input_file(value)


def output_file(value: str) -> Path:
    """A file that can be written; its folder need not exist yet."""
    if not value.strip():
        raise ArgumentTypeError(_EMPTY)
    path = Path(value)
    if path.is_dir():
        raise ArgumentTypeError(f"{value!r} is a folder, not a file.")
    _demand_writable(path if path.exists() else _nearest(path.absolute().parent), value)
    return path


def output_folder(value: str) -> Path:
    """A folder that can be written into; it need not exist yet."""
    if not value.strip():
        raise ArgumentTypeError("A folder's name can't be empty.")
    path = Path(value)
    if path.exists() and not path.is_dir():
        raise ArgumentTypeError(f"{value!r} is a file, not a folder.")
    _demand_writable(_nearest(path.absolute()), value)
    return path


_EMPTY = "A file's name can't be empty."


def _nearest(folder: Path) -> Path:
    """The first that exists, of this folder and its parents."""
    return next(candidate for candidate in (folder, *folder.parents) if candidate.exists())


def _demand_writable(existing: Path, value: str) -> None:
    above_is_file = existing.is_file() and existing.absolute() != Path(value).absolute()
    if above_is_file or not os.access(existing, os.W_OK):
        raise ArgumentTypeError(f"{value!r} can't be written: see {existing}.")
