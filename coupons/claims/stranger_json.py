"""JSON of strangers: bounded in depth and numbers, and read in one way only."""

import json
from typing import Any

import orjson

from coupons.claims.stranger_text import LARGEST_NUMBER, OddValue

MOST_DEPTH = 8  # of objects and lists in each other


class NotJson(OddValue):
    """`line` and `column` count from 1."""

    def __init__(self, line: int, column: int) -> None:
        super().__init__(f"is not JSON (line {line}, column {column})")
        self.line, self.column = line, column


def json_from_stranger(raw: bytes) -> Any:
    """The value of a JSON text (RFC 8259, UTF-8). Raises NotJson, and OddValue for a name that
    occurs twice in an object, for more than MOST_DEPTH levels, and for a number beyond 2^53 in
    one of them. Members of the text's own object are fields, whose readers bound them by name."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        if "depth limit" in error.msg:
            raise OddValue("is nested too deeply") from None
        raise NotJson(error.lineno, error.colno) from None
    _demand_bounds(value, MOST_DEPTH)
    names = len(value) if isinstance(value, dict) else 0
    if raw.count(b":") > names:  # else no name occurs twice
        json.loads(raw, object_pairs_hook=_demand_each_once)
    return value


def _demand_bounds(value: Any, levels: int) -> None:
    if isinstance(value, dict | list):
        if not levels:
            raise OddValue("is nested too deeply")
        for member in value.values() if isinstance(value, dict) else value:
            _demand_bounds(member, levels - 1)
    elif levels < MOST_DEPTH - 1 and isinstance(value, int | float):
        _demand_exact(value)


def _demand_exact(number: float) -> None:
    if not -LARGEST_NUMBER <= number <= LARGEST_NUMBER:
        raise OddValue("has a number beyond 2^53")


def _demand_each_once(pairs: list[tuple[str, Any]]) -> None:
    """RFC 8259 does not say which value counts."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise OddValue("names a field twice")
