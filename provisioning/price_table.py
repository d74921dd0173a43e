"""Writes prices into the price table, line by line: comments and architectures stay."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

Row = tuple[str, str]  # section, name
_SECTION = re.compile(r"\[(\w+)\]")
# `nat = 0.059` or `"t2.micro" = { hourly = 0.0144, arch = "x86_64" }`
_PRICE = re.compile(r'"?(?P<name>[\w.]+)"?\s*=\s*(?:\{\s*hourly\s*=\s*)?(?P<price>\d+(?:\.\d+)?)')
_TEXT = re.compile(r'(?P<name>\w+) = ".*"')


def price_rows(text: str) -> list[Row]:
    """All rows of the table that hold a price."""
    return [(section, found["name"]) for section, found in _found_prices(text) if found]


def with_prices(text: str, prices: Mapping[Row, float], head: Mapping[str, str]) -> str:
    """The table with these prices, and these texts (source, date, region) at its head."""
    lines = text.splitlines(keepends=True)
    for number, (section, found) in enumerate(_found_prices(text)):
        line = lines[number]
        if found and (price := prices.get((section, found["name"]))) is not None:
            lines[number] = (
                f"{line[: found.start('price')]}{_shown(price)}{line[found.end('price') :]}"
            )
        elif not section and (said := _TEXT.match(line)) and said["name"] in head:
            lines[number] = f'{said["name"]} = "{head[said["name"]]}"\n'
    return "".join(lines)


def _found_prices(text: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    """For each line its section, and its price if it has one."""
    section = ""
    for line in text.splitlines():
        if header := _SECTION.match(line):
            section = header[1]
        yield section, _PRICE.match(line) if section else None


def _shown(price: float) -> str:
    """At least four decimals, and no exponent."""
    whole, _, decimals = f"{price:.10f}".rstrip("0").partition(".")
    return f"{whole}.{decimals:0<4}"


def rewrite_file(file: Path, change: Callable[[str], str]) -> None:
    """All of it or nothing."""
    text = change(file.read_text(encoding="utf-8"))
    handle, new = tempfile.mkstemp(dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        Path(new).chmod(file.stat().st_mode)
        Path(new).replace(file)
    finally:
        Path(new).unlink(missing_ok=True)
