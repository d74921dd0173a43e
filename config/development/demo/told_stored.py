"""The rule of a correct opening, for whoever judges one: what users were told is what is stored.

Pure, and knows neither answers nor stores: `told` and `rows` are coupons by user, place and code.
Used by `make demo`, the rehearsal (`verdict.py`) and the crash tests (`tests/crash/checker.py`).
Locust has its own copy (`locust/verdict.py`): load hosts have no Django, and `config` needs it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """A coupon that a user was told of, or that is stored; its code grouped, as users see it."""

    user: str
    place: int
    code: str


def find_lost(told: Iterable[Row], rows: Iterable[Row]) -> list[Row]:
    """Told, but not stored for the same user with the same place and code."""
    return sorted(set(told) - set(rows))


class Duplicate(NamedTuple):
    """`kind`: user, place or code. `how`: where it is twice."""

    kind: str
    value: object
    how: str

    def __str__(self) -> str:
        return f"{self.kind} {self.value} {self.how}"


def find_duplicates(told: Iterable[Row], rows: Sequence[Row]) -> list[Duplicate]:
    """Users, places and codes that are stored twice, and places that two users were told of."""
    stored: dict[str, list[object]] = {
        "user": [row.user for row in rows],
        "place": [row.place for row in rows],
        "code": [row.code for row in rows],
    }
    promised = {(coupon.user, coupon.place) for coupon in told}
    return [
        *(Duplicate(kind, value, "stored twice")
          for kind in stored for value in _repeated(stored[kind])),
        *(Duplicate("place", place, "told to two")
          for place in _repeated(place for _, place in promised)),
    ]  # fmt: skip


def _repeated(values: Iterable[object]) -> list[object]:
    return [value for value, times in Counter(values).items() if times > 1]
