"""Types of command-line options: a wrong value is refused in one sentence that says what is valid.

A copy of `coupons.management.arguments`, which load tests may not import.
"""

import os
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

N = TypeVar("N", int, float)


def refuse_option(parser: ArgumentParser, message: str) -> NoReturn:
    """Exit with one sentence on the error, without the usage text."""
    parser.exit(2, f"{message.rstrip('.')}. See: {parser.prog} --help\n")


class SentenceParser(ArgumentParser):
    """An ArgumentParser that refuses in one sentence."""

    def error(self, message: str) -> NoReturn:
        refuse_option(self, message)


@dataclass(frozen=True)
class Whole:
    """A whole number between two bounds, both of them included."""

    low: int
    high: int

    def __call__(self, text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise ArgumentTypeError(f"{text!r} is not a whole number.") from None
        return _between(number, text, self.low, self.high)


@dataclass(frozen=True)
class Number:
    """A number between two bounds, both of them included."""

    low: float
    high: float

    def __call__(self, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise ArgumentTypeError(f"{text!r} is not a number.") from None
        return _between(number, text, self.low, self.high)


def _between(value: N, text: str, low: float, high: float) -> N:
    if not low <= value <= high:  # false for "nan", too
        raise ArgumentTypeError(f"{text} is not between {low:,} and {high:,}.")
    return value


def campaign_name(text: str) -> str:
    """The slug of a campaign; empty: none."""
    if text and (not text.strip() or len(text) > 64):
        raise ArgumentTypeError(f"{text!r} can't be the name of a campaign.")
    return text


def input_file(text: str) -> Path:
    if not Path(text).is_file() or not os.access(text, os.R_OK):
        raise ArgumentTypeError(f"There is no file {text!r} that may be read.")
    return Path(text)


def program_file(text: str) -> str:
    """An executable file, such as a Python interpreter."""
    if not Path(text).is_file() or not os.access(text, os.X_OK):
        raise ArgumentTypeError(f"There is no program {text!r}.")
    return text


def output_file(text: str) -> Path:
    """A writable file; its folder need not exist yet."""
    path = Path(text)
    if not text.strip() or path.is_dir():
        raise ArgumentTypeError(f"{text!r} is no file's name.")
    parent = next(folder for folder in path.absolute().parents if folder.exists())
    existing = path if path.exists() else parent
    if not parent.is_dir() or not os.access(existing, os.W_OK):
        raise ArgumentTypeError(f"{text!r} can't be written: see {existing}.")
    return path
