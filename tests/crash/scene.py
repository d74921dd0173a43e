"""A fault of a run, and its target."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.crash.stage import Stage


@dataclass(frozen=True, slots=True)
class Fault:
    """Injected `at_s` seconds after the opening. `which` selects one of several targets, `lasts_s`
    is its duration, for faults that have these."""

    at_s: float
    kind: str
    which: int
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Scene:
    """The target of a fault: the stage and the campaign of the run."""

    stage: Stage
    slug: str


Deed = Callable[[Scene, Fault], None]
