"""A fault of a run, and where it happens."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.crash.stage import Stage


@dataclass(frozen=True, slots=True)
class Fault:
    """Comes `at_s` after the opening. `which` and `lasts_s` are read where they mean something."""

    at_s: float
    kind: str
    which: int
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a fault happens: the stage, and the campaign under way."""

    stage: Stage
    slug: str


Deed = Callable[[Scene, Fault], None]
