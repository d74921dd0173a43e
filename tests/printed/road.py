"""`provisioning/FIRST_COUPON.md` as a newcomer walks it: sections, and in them what the fenced
blocks say.

An `sh` block holds commands, the `text` block after it what they print, a `python` block a file,
whose name its first line gives (`# NAME.py: …`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tests.printed.pages import ROOT, shell_lines

PAGE = ROOT / "provisioning" / "FIRST_COUPON.md"
ANYTHING = "…"  # in a printed line: here stands what differs from run to run
_HEADING = re.compile(r"^## (?:\d+\. )?([^\n]+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"# (\w+\.py): ")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A block: `commands` and the lines that they print (`shows`), or a `file` and its `text`."""

    section: str
    commands: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    file: str = ""
    text: str = ""


def read_road(page: str) -> list[Part]:
    """The parts of a page, in order. Raises ValueError for a block that is none of the three."""
    parts: list[Part] = []
    headings = [*_HEADING.finditer(page)]
    for block in _BLOCK.finditer(page):
        before = [found[1] for found in headings if found.start() < block.start()]
        section = before[-1] if before else ""
        _add_block(parts, section, block[1], block[2])
    return parts


def _add_block(parts: list[Part], section: str, language: str, text: str) -> None:
    if language == "sh":
        parts.append(Part(section=section, commands=tuple(shell_lines(text))))
    elif language == "text" and parts and parts[-1].commands and not parts[-1].shows:
        shows = tuple(line for line in text.splitlines() if line.strip())
        parts[-1] = Part(section=section, commands=parts[-1].commands, shows=shows)
    elif language == "python" and (named := _FILE.match(text)):
        parts.append(Part(section=section, file=named[1], text=text))
    else:
        raise ValueError(f"a block that nobody can follow: {language} {text[:60]!r}")


def page_commands() -> list[str]:
    return [command for part in read_road(PAGE.read_text()) for command in part.commands]


def missing_line(shows: Iterable[str], output: str) -> str:
    """The first line of `shows` that the output has not, in their order; empty: it has all."""
    lines = iter([" ".join(line.split()) for line in output.splitlines()])
    for shown in shows:
        form = ".*".join(map(re.escape, " ".join(shown.split()).split(ANYTHING)))
        if not any(re.search(form, line) for line in lines):
            return shown
    return ""
