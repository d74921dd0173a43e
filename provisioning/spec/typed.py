"""Parses untyped TOML into the typed model; reports all unknown keys, missing keys and wrong
types."""

from __future__ import annotations

import difflib
import types
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from provisioning.spec.problems import Problems

WRONG = object()  # in place of a value that was reported, so that parsing can continue


def build_typed(shape: type[Any], raw: object, path: str, problems: Problems) -> Any:
    """An instance of the dataclass `shape`, or WRONG after adding what is wrong to `problems`."""
    if not isinstance(raw, dict):
        problems.add(path, "must be a table")
        return WRONG
    hints = get_type_hints(shape)
    known = {f.name: f for f in fields(shape)}
    _unknown_keys(raw, list(known), path, problems)
    values = {
        name: _field(known[name], hints[name], raw, path, problems)
        for name in known
        if name in raw or _required(known[name])
    }
    return WRONG if WRONG in values.values() else shape(**values)


def _field(spot: Field[Any], hint: Any, raw: dict[str, Any], path: str, problems: Problems) -> Any:
    where = f"{path}.{spot.name}".lstrip(".")
    if spot.name not in raw:
        problems.add(where, "is missing")
        return WRONG
    return _value(hint, raw[spot.name], where, problems)


def _value(hint: Any, raw: Any, where: str, problems: Problems) -> Any:
    if isinstance(hint, types.UnionType):
        hint = next(choice for choice in get_args(hint) if choice is not types.NoneType)
    if is_dataclass(hint):
        return build_typed(hint, raw, where, problems)  # type: ignore[arg-type]
    if get_origin(hint) is tuple:
        return _list(get_args(hint)[0], raw, where, problems)
    return _plain(hint, raw, where, problems)


def _list(inner: Any, raw: Any, where: str, problems: Problems) -> Any:
    if not isinstance(raw, list):
        problems.add(where, "must be a list")
        return WRONG
    values = tuple(_value(inner, x, f"{where}[{i}]", problems) for i, x in enumerate(raw))
    return WRONG if WRONG in values else values


def _plain(hint: Any, raw: Any, where: str, problems: Problems) -> Any:
    accepted = (int, float) if hint is float else (hint,)
    if isinstance(raw, accepted) and (hint is bool or not isinstance(raw, bool)):
        return raw
    names = {str: "text", int: "a whole number", bool: "true or false", float: "a number"}
    problems.add(where, f"must be {names[hint]}, is {raw!r}")
    return WRONG


def _unknown_keys(raw: dict[str, Any], known: list[str], path: str, problems: Problems) -> None:
    for name in raw:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            problems.add(f"{path}.{name}".lstrip("."), f"is unknown; {hint}")


def _required(spot: Field[Any]) -> bool:
    return spot.default is MISSING and spot.default_factory is MISSING
