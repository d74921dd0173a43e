"""The steps from one layout of Redis to the next: one module each, named by the layout it leads to.

A step changes one campaign, while claims go on, so that no campaign waits for another. It must be

- forward only and resumable: killed between any two commands, it finishes when it runs again;
- idempotent: on a campaign that is changed already it does nothing;
- in small commands: none blocks Redis for longer than a claim waits (`REDIS_TIMEOUT_S`).

Its last command marks the layout, in the same script that makes the change visible.
coupons/recovery/README.md says which of the two moments it needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol

from coupons.store.layouts import LayoutCalls


class Moment(StrEnum):
    """When a step runs. BEFORE: before the first process of its release starts; all processes of
    the release before go on with the changed data. AFTER: when no process runs any more that can't
    read it; the code of its release reads both layouts."""

    BEFORE = "before"
    AFTER = "after"


class Change(Protocol):
    def __call__(self, calls: LayoutCalls, slug: str) -> None:
        """Change one campaign, and mark it. Raises StoreFailure."""


@dataclass(frozen=True, slots=True)
class Step:
    layout: int  # what it leads to, from the one before
    moment: Moment
    change: Change


def all_steps() -> Sequence[Step]:
    """In order. Raises ValueError if a layout has none or two."""
    names = sorted(module.name for module in iter_modules(__path__))
    steps = [import_module(f"{__name__}.{name}").STEP for name in names]
    if [step.layout for step in steps] != list(range(1, len(steps) + 1)):
        raise ValueError(f"the steps lead to the layouts {[step.layout for step in steps]}")
    return steps
