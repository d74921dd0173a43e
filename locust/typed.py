"""Types of command-line options: a wrong value is refused in one sentence that says what is valid.

A copy of `coupons.management.arguments`, which load tests may not import.
"""

import os
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

N = TypeVar("N", int, float)


def refuse(parser: ArgumentParser, message: str) -> NoReturn:
    """Exit with one sentence on the error, without the usage text."""
    parser.exit(2, f"{message.rstrip('.')}. See: {parser.prog} --help\n")


class SentenceParser(ArgumentParser):
    """An ArgumentParser that refuses in one sentence."""

    def error(self, message: str) -> NoReturn:
        refuse(self, message)


@dataclass(frozen=True)
class Whole:
    """A whole number between two bounds, both of them included."""

    low: int
    high: int

    def __call__(self, said: str) -> int:
        try:
            number = int(said)
        except ValueError:
            raise ArgumentTypeError(f"{said!r} is not a whole number.") from None
        return _between(number, said, self.low, self.high)


@dataclass(frozen=True)
class Number:
    """A number between two bounds, both of them included."""

    low: float
    high: float

    def __call__(self, said: str) -> float:
        try:
            number = float(said)
        except ValueError:
            raise ArgumentTypeError(f"{said!r} is not a number.") from None
        return _between(number, said, self.low, self.high)


def _between(value: N, said: str, low: float, high: float) -> N:
    if not low <= value <= high:  # false for "nan", too
        raise ArgumentTypeError(f"{said} is not between {low:,} and {high:,}.")
    return value


def name(said: str) -> str:
    """The slug of a campaign; empty: none."""
    if said and (not said.strip() or len(said) > 64):
        raise ArgumentTypeError(f"{said!r} can't be the name of a campaign.")
    return said


def input_file(said: str) -> Path:
    if not Path(said).is_file() or not os.access(said, os.R_OK):
        raise ArgumentTypeError(f"There is no file {said!r} that may be read.")
    return Path(said)


def program(said: str) -> str:
    """An executable file, such as a Python interpreter."""
    if not Path(said).is_file() or not os.access(said, os.X_OK):
        raise ArgumentTypeError(f"There is no program {said!r}.")
    return said


def output_file(said: str) -> Path:
    """A writable file; its folder need not exist yet."""
    path = Path(said)
    if not said.strip() or path.is_dir():
        raise ArgumentTypeError(f"{said!r} is no file's name.")
    above = next(each for each in path.absolute().parents if each.exists())
    there = path if path.exists() else above
    if not above.is_dir() or not os.access(there, os.W_OK):
        raise ArgumentTypeError(f"{said!r} can't be written: see {there}.")
    return path
