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
    removed_before, ended_before = _needers_of(swaps), _needers_of(ends)
    for task in reversed(swaps.values()):
        graph[task] = removed_before[task]
    for task in makes.values():
        own = {swaps[task.step.key]} if task.step.key in swaps else set()
        graph[task] = _needed(task, makes) | own
    for task in ends.values():
        graph[task] = ended_before[task] | frozenset(makes.values())
    return graph


def _needed(task: Task, others: dict[Key, Task]) -> frozenset[Task]:
    want = task.step.want
    return frozenset(others[key] for key in want.needs() if key in others) if want else frozenset()


def _needers_of(drops: dict[Key, Task]) -> dict[Task, frozenset[Task]]:
    """The other removals that must come before each one, because their resources need its own: by
    the spec if it names both, else by the catalogue, where later kinds need earlier ones."""
    needed = {task: _needed(task, drops) for task in drops.values()}
    return {
        lower: frozenset(
            upper
            for upper in drops.values()
            if upper is not lower
            and (
                lower in needed[upper]
                if upper.step.want and lower.step.want
                else RANK[upper.step.key.kind] > RANK[lower.step.key.kind]
            )
        )
        for lower in drops.values()
    }
