"""The settings of the site on this machine, so that tokens are signed as it expects: `.env`, and
the secrets that `make run` made. Parsed as by `config.env_files`, which load tests may not import;
a test compares the two.
"""

import os
import re
from collections.abc import Iterator, MutableMapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

DEFAULT = ".env,var/local.env"
_LINE = re.compile(r"\r\n|\n|\r")
_NOTHING = re.compile(r"\s*(#.*(?<!\\))?")
_STATEMENT = re.compile(
    r"""\s* ([A-Za-z_][A-Za-z0-9_]*) \s*=\s*
    (?: '([^']*)' | "((?:[^"\\]|\\["\\])*)" | ([^\s'"\\][^\\]*?)? ) \s*""",
    re.VERBOSE,
)
_ESCAPED = re.compile(r'\\(["\\])')


class Unreadable(ValueError):
    """A line can't be read. The message has file and line, and never a secret's value."""


def load_settings(environment: MutableMapping[str, str], folder: Path) -> None:
    """Add settings that are not in the environment. Raises Unreadable."""
    for name in (environment.get("ENV_FILES") or DEFAULT).split(","):
        if environment.get("COUPONS_ENV") != "production":
            for setting, value in read_settings(folder / name.strip()).items():
                environment.setdefault(setting, value)


def read_settings(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        return dict(_statements(path, path.read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path} can't be read: {type(error).__name__}.") from None


def _statements(path: Path, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(_LINE.split(text), 1):
        if _NOTHING.fullmatch(line):
            continue
        match = _STATEMENT.fullmatch(line)
        name, single, double, plain = match.groups() if match else ("", None, None, None)
        value = single or _ESCAPED.sub(r"\1", double or "") or plain or ""
        by_dotenv = dotenv_values(stream=StringIO(line), interpolate=False) if match else {}
        if not line.replace("\t", " ").isprintable() or by_dotenv != {name: value}:
            raise Unreadable(
                f"{path}, line {number}: `manage.py check` says what is wrong with it."
            )
        yield name, value


def web_url() -> str:
    """The address of `make run`'s site. Raises Unreadable."""
    return f"http://127.0.0.1:{_port('WEB_PORT', '8080')}"


def merchants_url() -> str:
    """The address of its merchants' door. Raises Unreadable."""
    return f"http://127.0.0.1:{_port('MERCHANTS_PORT', '8082')}"


def _port(name: str, default: str) -> str:
    port = os.environ.get(name) or default
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65_535):
        raise Unreadable(f"{name}={port!r} is not a whole number between 1 and 65535.")
    return port
