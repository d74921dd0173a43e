"""A line of the board: what was looked at, its light, what was seen, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Light(StrEnum):
    """RED: a promise would not hold, or people would be told errors; it blocks the opening. AMBER:
    it will go well if nothing else goes wrong.
    GREY: not looked at, since nobody said where."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    GREY = "grey"


@dataclass(frozen=True, slots=True)
class Line:
    """`name` is stable, for programs; `seen` and `do` are sentences in the reader's language."""

    name: str
    light: Light
    seen: str
    do: str = ""


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
