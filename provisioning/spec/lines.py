"""Line numbers of values in a TOML file, for error messages; `tomllib` does not keep them."""

from __future__ import annotations

import re

HEADER = re.compile(r"^\s*(\[\[|\[)\s*([\w.\-]+)\s*\]")
PAIR = re.compile(r"^\s*([\w\-]+)\s*=\s*(.*)$")
QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'')


def line_numbers(text: str) -> dict[str, int]:
    """Line of every table and key, by path: `network.subnets[1].cidr`. Lines count from 1."""
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    depth = 0
    for number, raw in enumerate(text.splitlines(), start=1):
        bare = QUOTED.sub('""', raw).split("#", 1)[0]
        if depth > 0:
            depth += _open_brackets(bare)
        elif header := HEADER.match(bare):
            table = _table_path(header[1], header[2], counts)
            lines.setdefault(table, number)
        elif pair := PAIR.match(bare):
            lines[f"{table}.{pair[1]}".lstrip(".")] = number
            depth = _open_brackets(pair[2])
    return lines


def line_of(lines: dict[str, int], path: str) -> int:
    """The line of a path, or of the nearest table around it; 1 if the file doesn't have it."""
    while path:
        if path in lines:
            return lines[path]
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return 1


def _table_path(brackets: str, name: str, counts: dict[str, int]) -> str:
    if brackets == "[":
        return name
    counts[name] = counts.get(name, -1) + 1
    return f"{name}[{counts[name]}]"


def _open_brackets(text: str) -> int:
    opened = text.count("[") + text.count("{")
    return opened - text.count("]") - text.count("}")
