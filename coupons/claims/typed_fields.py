"""Typed fields of a JSON object, read strictly: all faults at once, each naming its field.

    FIELDS: Fields = {
        "code": Text(most=64),
        "user": Text(most=128, optional=True),
        "lines": Listing(fields={"id": Text(most=64), "subtotal": Amount()}, most=200),
    }
    values = read_object(document, FIELDS)  # {"code": "…", "user": None, "lines": [{…}]}

Every field of `FIELDS` is in the result; one that is absent has its default. A field that is not in
`FIELDS` is a fault, as is JSON's null unless the field is `nullable`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from coupons.claims.stranger_text import OddValue, shown_text, text_from_stranger
from coupons.errors import BadFields, BadInput

_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NEEDED = "is needed"
MOST_NAME = 64  # characters of an unknown field's name that an answer repeats


_Wrong = OddValue  # why a value is refused


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A type of field. `default`: the value if it is optional and absent."""

    optional: bool = False
    nullable: bool = False
    default: Any = None

    def read(self, value: Any) -> Any:
        """The value as the view gets it. Raises _Wrong."""
        raise NotImplementedError


Fields = Mapping[str, Kind]


@dataclass(frozen=True)
class Text(Kind):
    """Text of `low` to `most` bytes of UTF-8, in one line. An identifier is kept byte by byte."""

    most: int = 200
    low: int = 1
    is_identifier: bool = False

    def read(self, value: Any) -> str:
        return text_from_stranger(
            value, most=self.most, low=self.low, is_identifier=self.is_identifier
        )


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number from `low` to `high`."""

    low: int = 0
    high: int = 2**31 - 1

    def read(self, value: Any) -> int:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or not self.low <= value <= self.high:
            raise _Wrong(f"must be a whole number from {self.low} to {self.high}")
        return int(value)


@dataclass(frozen=True)
class Flag(Kind):
    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise _Wrong("must be true or false")
        return value


@dataclass(frozen=True)
class Amount(Kind):
    """An amount of money, as text: "12000" or "19.90". A number of JSON is refused if it has
    decimals: a float is not exact. The currency's digits are checked by the domain."""

    def read(self, value: Any) -> str:
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
            raise _Wrong('must be an amount as text, such as "19.90"')
        return text


@dataclass(frozen=True)
class OneOf(Kind):
    choices: tuple[str, ...] = ()

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise _Wrong(f"must be one of: {', '.join(self.choices)}")
        return value


@dataclass(frozen=True)
class Moment(Kind):
    """ISO 8601 with its offset: `2026-12-01T09:00:00+09:00`. With `or_date`, a date as well."""

    or_date: bool = False

    def read(self, value: Any) -> datetime | date:
        try:
            if self.or_date and _DATE.fullmatch(value):
                return date.fromisoformat(value)
            moment = datetime.fromisoformat(value)
            if moment.utcoffset() is not None:
                return moment
        except (TypeError, ValueError):
            pass
        if self.or_date:
            raise _Wrong("must be a date, or a moment with its offset")
        raise _Wrong("must be a moment with its offset, such as 2026-12-01T09:00:00+09:00")


@dataclass(frozen=True)
class Listing(Kind):
    """A list of 1 to `most` objects with these fields."""

    fields: Fields | None = None
    most: int = 100

    def read(self, value: Any) -> list[Any]:
        if not isinstance(value, list) or not 1 <= len(value) <= self.most:
            raise _Wrong(f"must be a list of 1 to {self.most} objects")
        return value  # the entries are read by `_read_field`, which names them


@dataclass(frozen=True)
class Several(Kind):
    """A list of some of the choices, each once."""

    choices: tuple[str, ...] = ()

    def read(self, value: Any) -> list[str]:
        is_list = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
        if not is_list or len(set(value)) != len(value) or not set(value) <= set(self.choices):
            raise _Wrong(f"must be a list of some of: {', '.join(self.choices)}")
        return list(value)


def read_object(document: Any, fields: Fields) -> dict[str, Any]:
    """The values of the fields. Raises BadInput (no object), BadFields (all faults)."""
    if not isinstance(document, dict):
        raise BadInput("body", "must be an object")
    faults: list[tuple[str, str]] = []
    values = dict(_read_fields(document, fields, "", faults))
    if faults:
        raise BadFields(faults)
    return values


def _read_fields(
    body: dict[str, Any], fields: Fields, path: str, faults: list[tuple[str, str]]
) -> Iterator[tuple[str, Any]]:
    for name in body:
        if name not in fields:
            faults.append(
                (f"{path}{shown_text(name, MOST_NAME)}", "is not a field of this request")
            )
    for name, kind in fields.items():
        if name in body:
            yield name, _read_field(body[name], kind, f"{path}{name}", faults)
        elif kind.optional:
            yield name, kind.default
        else:
            faults.append((f"{path}{name}", NEEDED))


def _read_field(value: Any, kind: Kind, path: str, faults: list[tuple[str, str]]) -> Any:
    if value is None and kind.nullable:
        return None
    try:
        read = kind.read(value)
    except _Wrong as wrong:
        faults.append((path, str(wrong)))
        return None
    if isinstance(kind, Listing) and kind.fields is not None:
        return [
            _read_entry(entry, kind.fields, f"{path}[{number}]", faults)
            for number, entry in enumerate(read)
        ]
    return read


def _read_entry(value: Any, fields: Fields, path: str, faults: list[tuple[str, str]]) -> Any:
    if not isinstance(value, dict):
        faults.append((path, "must be an object"))
        return None
    return dict(_read_fields(value, fields, f"{path}.", faults))
