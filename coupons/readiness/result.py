"""A line of the board: the check's name, its light, what it found, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Light(StrEnum):
    """RED: a guarantee would be broken, or users would get errors; it blocks the opening.
    AMBER: the opening works if nothing else fails.
    GREY: not checked, because there is nothing configured or reported to check."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    GREY = "grey"


@dataclass(frozen=True, slots=True)
class Line:
    """`name` is stable, for programs; `seen` and `do` are sentences in the operator's language.
    `on_page`: in place of `do` where the page has a button for it."""

    name: str
    light: Light
    seen: str
    do: str = ""
    on_page: str = ""


def green(name: str, seen: str) -> Line:
    return Line(name, Light.GREEN, seen)


def amber(name: str, seen: str, do: str) -> Line:
    return Line(name, Light.AMBER, seen, do)


def red(name: str, seen: str, do: str) -> Line:
    return Line(name, Light.RED, seen, do)


def grey(name: str, seen: str) -> Line:
    return Line(name, Light.GREY, seen)


def worst_light(lines: list[Line]) -> Light:
    lights = {line.light for line in lines}
    return next(
        light for light in (Light.RED, Light.AMBER, Light.GREEN, Light.GREY) if light in lights
    )
