"""Dependency graph of the executor's tasks: a resource is created after those that it needs, and
removed before them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from provisioning.model import Action, Key, Plan, Step
from provisioning.resources.catalogue import RANK


class Half(StrEnum):
    """A replacement is two tasks (remove, then make); every other step is one."""

    MAKE = "make"
    DROP = "remove"


@dataclass(frozen=True, eq=False)
class Task:
    half: Half
    step: Step


def tasks_of(plan: Plan) -> dict[Task, frozenset[Task]]:
    """Every task with the tasks that it waits for, in the plan's order."""
    steps = plan.changes
    makes = {s.key: Task(Half.MAKE, s) for s in steps if s.action is not Action.DELETE}
    swaps = {s.key: Task(Half.DROP, s) for s in steps if s.action is Action.REPLACE}
    ends = {s.key: Task(Half.DROP, s) for s in steps if s.action is Action.DELETE}
    graph: dict[Task, frozenset[Task]] = {}
    for task in reversed(swaps.values()):
        graph[task] = _needers(task, swaps)
    for task in makes.values():
        own = {swaps[task.step.key]} if task.step.key in swaps else set()
        graph[task] = _needed(task, makes) | own
    for task in ends.values():
        graph[task] = _needers(task, ends) | frozenset(makes.values())
    return graph


def _needed(task: Task, makes: dict[Key, Task]) -> frozenset[Task]:
    want = task.step.want
    return frozenset(makes[key] for key in want.needs() if key in makes) if want else frozenset()


def _needers(task: Task, drops: dict[Key, Task]) -> frozenset[Task]:
    """The other removals that must come first, because their resources need this one."""
    return frozenset(
        other for other in drops.values() if other is not task and _stands_on(other, task)
    )


def _stands_on(upper: Task, lower: Task) -> bool:
    """Whether `upper` needs `lower`: by the spec if it names both, else by the catalogue, where
    later kinds need earlier ones."""
    if upper.step.want and lower.step.want:
        return lower.step.key in upper.step.want.needs()
    return RANK[upper.step.key.kind] > RANK[lower.step.key.kind]
