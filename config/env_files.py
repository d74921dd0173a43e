"""Env files: `.env`, and the secrets that `make run` generated. They give values to variables that
the environment does not set. `config.env` loads them when it is imported, so manage.py, celery,
granian and make see the same values. Production has none: systemd sets its services' environment.

The syntax is python-dotenv's, without interpolation. systemd reads some lines differently
(`A=b # c`, `A=\\d`); those are refused, since the same line must mean the same in both places.
"""

import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

DEFAULT = ".env,var/local.env"  # relative to the project's folder; the first one has precedence
_LINE = re.compile(r"\r\n|\n|\r")
_NOTHING = re.compile(r"\s*(#.*(?<!\\))?")  # systemd continues a comment that ends in a backslash
_STATEMENT = re.compile(
    r"""\s* (?P<name>[A-Za-z_][A-Za-z0-9_]*) \s*=\s*
    (?: '(?P<single>[^']*)' | "(?P<double>(?:[^"\\]|\\.)*)" | (?P<plain>[^\s'"\\][^\\]*?)? ) \s*""",
    re.VERBOSE,
)
_ESCAPED = re.compile(r'\\(["\\`$])')


class Unreadable(ValueError):
    """The message names file, line and variable, never a value: it may be a secret."""


def join_env_files(environment: MutableMapping[str, str], folder: Path) -> dict[str, Path]:
    """Add the variables that `environment` does not have. Returns the file of each added variable.
    Raises SystemExit(2), after printing one sentence, if a file can't be read or is ambiguous."""
    joined: dict[str, Path] = {}
    for path in _files(environment, folder):
        try:
            values = {} if environment.get("COUPONS_ENV") == "production" else read_env_file(path)
        except Unreadable as error:
            print(error, file=sys.stderr)
            raise SystemExit(2) from None
        missing = {name: value for name, value in values.items() if name not in environment}
        environment.update(missing)
        joined |= dict.fromkeys(missing, path)
    return joined


def _files(environment: Mapping[str, str], folder: Path) -> list[Path]:
    names = (environment.get("ENV_FILES") or DEFAULT).split(",")
    return [folder / name.strip() for name in names]


def read_env_file(path: Path) -> dict[str, str]:
    """Its settings; empty if there is no such file. Raises Unreadable."""
    if not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows write a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path} can't be read: {type(error).__name__}.") from None
    return dict(_statements(path, text))


def _statements(path: Path, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(_LINE.split(text), 1):
        if _NOTHING.fullmatch(line):
            continue
        match = _STATEMENT.fullmatch(line)
        if match is None or not line.replace("\t", " ").isprintable():
            raise Unreadable(
                f"{path}, line {number}: not NAME=value on one line, the value plain or in quotes"
                " (no `export`, nothing after a closing quote, no control characters)."
            )
        value = _as_systemd(match)
        if dotenv_values(stream=StringIO(line), interpolate=False) != {match["name"]: value}:
            raise Unreadable(
                f"{path}, line {number}: {match['name']} would mean one thing to systemd and"
                " another to python-dotenv. Put the value in single quotes; a comment needs a line"
                " of its own."
            )
        yield match["name"], value


def _as_systemd(match: re.Match[str]) -> str:
    if match["single"] is not None:
        return match["single"]
    if match["double"] is not None:
        return _ESCAPED.sub(r"\1", match["double"])
    return match["plain"] or ""
