"""What a difference leads to: a change in place, a replacement, or a refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from provisioning.prices import load_prices


class How(StrEnum):
    IN_PLACE = "in place"
    REPLACED = "replaced"
    REFUSED = "refused"


@dataclass(frozen=True)
class Verdict:
    """What AWS allows for one difference. Changes in place are made turn after turn, each when AWS
    has finished the one before; differences of one turn go into one call. `because` is a clause
    that follows the property's name, for a replacement or a refusal."""

    how: How
    turn: int = 1
    because: str = ""


# A verdict that depends on the values: found, wanted -> verdict.
Judge = Callable[[Any, Any], Verdict]
Rule = Verdict | Judge

IN_PLACE = Verdict(How.IN_PLACE)
REPLACED = Verdict(How.REPLACED, because="can't be changed in place")


def turn_number(turn: int) -> Verdict:
    return Verdict(How.IN_PLACE, turn)


def refused_because(because: str) -> Verdict:
    return Verdict(How.REFUSED, because=because)


def judge_growth(turn: int, unit: str) -> Judge:
    """A size that AWS only lets grow."""

    def judge(found: int, wanted: int) -> Verdict:
        if wanted >= found:
            return turn_number(turn)
        return refused_because(
            f"can't shrink from {found} to {wanted} {unit}: AWS makes no disk smaller; "
            f"write {found} in the spec"
        )

    return judge


def judge_version(turn: int) -> Judge:
    """A version that AWS only lets go up, like 8.4 or 8.4.6."""

    def judge(found: str, wanted: str) -> Verdict:
        parts = _numbers(wanted)
        if parts >= _numbers(found)[: len(parts)]:
            return turn_number(turn)
        return refused_because(
            f"can't go back from {found} to {wanted}: AWS has no downgrade; write "
            f"{'.'.join(found.split('.')[:2])} in the spec, or make a new store of the old version "
            "under another name"
        )

    return judge


def judge_host_type(found: str, wanted: str) -> Verdict:
    """Another size of the same architecture takes a stop; the image of one runs on no other."""
    known = load_prices().arch
    if known.get(found, "") in ("", known[wanted]):
        return IN_PLACE
    return Verdict(How.REPLACED, because=f"can't become {wanted}: another architecture")


def is_version(found: str, wanted: str) -> bool:
    """Whether AWS' full version, like 8.4.6, is of the wanted one, like 8.4."""
    return f"{found}.".startswith(f"{wanted}.")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
