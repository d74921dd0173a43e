"""act: executes a plan's steps; steps that do not need each other run in parallel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial

from provisioning.aws import Cloud
from provisioning.client_errors import error_code, translated_errors
from provisioning.dependency_order import Half, Task, tasks_of
from provisioning.errors import Incomplete, ProvisioningError
from provisioning.model import Action, Difference, Found, Key, Plan, Step, Want
from provisioning.plan import compare_properties, demand_possible
from provisioning.quantities import counted_noun
from provisioning.refusals import BUSY, STILL_USED
from provisioning.resources.catalogue import BY_NAME
from provisioning.resources.change_table import in_turns, judge_all
from provisioning.resources.kind import Kind, not_ours_error, resolved_want
from provisioning.resources.verdicts import How
from provisioning.waiting import ask_again, tell_nobody, wait_until


class Progress(StrEnum):
    BEGUN = "begun"
    WAITING = "waiting"  # the note is what AWS refuses it with
    DONE = "done"
    FAILED = "failed"


ProgressReport = Callable[[Task, Progress, str], None]


MAKING = (Action.CREATE, Action.REPLACE)


def check_nothing() -> None:
    """The default check: does nothing."""


def report_nothing(task: Task, progress: Progress, note: str) -> None:
    """The default report of progress: does nothing."""


@dataclass
class Actor:
    """Executes one plan. `ids` (by key) is updated as resources are created and removed."""

    cloud: Cloud
    ids: dict[Key, str]
    tell: ProgressReport = report_nothing
    check: Callable[[], None] = check_nothing  # called before every task; raises to stop the run
    at_once: int = 6
    failed: dict[Task, ProvisioningError] = field(default_factory=dict)
    made: set[Key] = field(default_factory=set)  # in this run: AWS may not see it everywhere yet

    def execute_plan(self, plan: Plan) -> None:
        """Executes every step. A failed step stops only those that need it. Raises Incomplete at
        the end if any step failed, and Impossible at once if the plan has a refusal."""
        demand_possible(plan)
        waiting = tasks_of(plan)
        self.cloud.stopping.clear()
        with ThreadPoolExecutor(self.at_once) as pool:
            try:
                self._run_tasks(waiting, pool)
            except BaseException:
                self.cloud.stopping.set()  # else leaving the pool would wait for slow resources
                raise
        self._report(skipped=len(waiting) - len(self.failed))

    def _run_tasks(self, waiting: dict[Task, frozenset[Task]], pool: ThreadPoolExecutor) -> None:
        running: dict[Future[None], Task] = {}
        while waiting or running:
            for task in self._startable(waiting, set(running.values())):
                running[pool.submit(self._run_task, task)] = task
            if not running:
                break  # all others need a failed task
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                self._finish(running.pop(future), future, waiting)

    def _startable(
        self, waiting: Mapping[Task, frozenset[Task]], running: set[Task]
    ) -> tuple[Task, ...]:
        free = self.at_once - len(running)
        startable = (
            task
            for task, needs in waiting.items()
            if task not in running and task not in self.failed and not needs & waiting.keys()
        )
        return tuple(task for task, _ in zip(startable, range(free), strict=False))

    def _finish(
        self, task: Task, future: Future[None], waiting: dict[Task, frozenset[Task]]
    ) -> None:
        error = future.exception()
        if error is None:
            del waiting[task]
            self.tell(task, Progress.DONE, "")
        elif isinstance(error, ProvisioningError):
            self.failed[task] = error
            self.tell(task, Progress.FAILED, str(error))
        else:
            raise error

    def _report(self, *, skipped: int) -> None:
        if not self.failed:
            return
        messages = list(dict.fromkeys(str(error) for error in self.failed.values()))
        if skipped:
            steps = counted_noun(skipped, "more step needs", "more steps need")
            messages.append(f"Skipped: {steps} a failed one.")
        raise Incomplete(
            "\n".join(messages),
            todo="What is done stays done: run the same command again to continue.",
        )

    def _run_task(self, task: Task) -> None:
        self.tell(task, Progress.BEGUN, "")
        self.check()
        kind = BY_NAME[task.step.key.kind]
        with translated_errors(f"{task.half} {task.step.key}"):
            if task.half is Half.DROP:
                tell = partial(self.tell, task, Progress.WAITING)
                remove_resource(self.cloud, kind, task.step, tell)
                self.ids.pop(task.step.key, None)
            else:
                step = task.step
                self.ids[step.key] = make_resource(
                    self.cloud, kind, step, self.ids, unseen=self._unseen(step)
                )
                if step.action in MAKING:
                    self.made.add(step.key)

    def _unseen(self, step: Step) -> frozenset[str]:
        """AWS' codes for "not found" that pass: of what this step makes, and of what it needs and
        this run has made. Of all else they mean that it is gone."""
        making = {step.key} if step.action in MAKING else set()
        keys = making | (step.the_want.needs() & self.made)
        return frozenset().union(*(BY_NAME[key.kind].absent for key in keys))


def make_resource(
    cloud: Cloud, kind: Kind, step: Step, ids: Mapping[Key, str], *, unseen: frozenset[str]
) -> str:
    """Creates or changes one resource and waits until AWS has finished. Returns its id. AWS' errors
    with a code in `unseen` are asked again."""
    want = resolved_want(step.the_want, ids)
    if step.action in MAKING:
        return _create(cloud, kind, want, unseen)
    found = step.the_found
    if not found.ready:  # a stopped host counts as ready: it can be started
        _wait_until_ready(cloud, kind, found, unseen)
    differences = step.differences
    if step.action is Action.WAIT:
        found = _reread(cloud, kind, found)
        differences = compare_properties(kind, want, found)
        _demand_in_place(found, differences)
    for changed in in_turns(kind.kind, differences):
        _change(cloud, kind, found, want, changed, unseen)
    return found.id


def _demand_in_place(found: Found, differences: tuple[Difference, ...]) -> None:
    """Raises Incomplete for what the plan could not judge while AWS was at work."""
    judged = judge_all(found.kind, differences)
    if others := judged[How.REFUSED] | judged[How.REPLACED]:
        raise Incomplete(
            f"{found.key} is ready now, and its {', '.join(sorted(others))} can't be changed in "
            "place.",
            todo="Run plan, which judges it.",
        )


def _change(
    cloud: Cloud, kind: Kind, found: Found, want: Want, changed: frozenset[str],
    unseen: frozenset[str],
) -> None:  # fmt: skip
    ask_again(
        cloud,
        f"changing {found.key}",
        lambda error: error_code(error) in BUSY | unseen,
        lambda: kind.change_one(cloud, found, want, changed),
    )
    _wait_until_ready(cloud, kind, found, unseen)


def _reread(cloud: Cloud, kind: Kind, found: Found) -> Found:
    """The resource read again: one that was not ready when the plan was made could not be
    compared, nor could a cache's tags be read. Raises Ambiguous if it is not ours, or gone."""
    for candidate in kind.find_all(cloud):
        if candidate.key == found.key:
            return candidate
    raise not_ours_error(found)


def _create(cloud: Cloud, kind: Kind, want: Want, unseen: frozenset[str]) -> str:
    """Create, then set the late properties. A run killed in between leaves a difference, which the
    next plan corrects."""
    id = ask_again(
        cloud,
        f"making {want.key}",
        lambda error: error_code(error) in unseen,
        lambda: kind.create_one(cloud, want),
    )
    created = kind.newborn_state(name=want.name, id=id)
    _wait_until_ready(cloud, kind, created, unseen)
    late_properties = frozenset(
        name
        for name in kind.late & want.props.keys()
        if not kind.is_same(name, created.props[name], want.props[name])
    )
    if late_properties:
        _change(cloud, kind, created, want, late_properties, unseen)
    return id


def remove_resource(
    cloud: Cloud, kind: Kind, step: Step, tell: Callable[[str], None] = tell_nobody
) -> None:
    """Removes one resource and waits until it is gone. `tell` hears AWS' first refusal: what is
    still in the way may be something that isn't ours, and never goes."""
    found = step.the_found
    ask_again(
        cloud,
        f"removing {found.key}",
        lambda error: error_code(error) in BUSY | STILL_USED,
        lambda: kind.delete_one(cloud, found),
        tell,
    )
    wait_until(cloud, f"removing {found.key}", lambda: kind.is_gone(cloud, found))


def _wait_until_ready(cloud: Cloud, kind: Kind, found: Found, unseen: frozenset[str]) -> None:
    def is_ready() -> bool:
        return ask_again(
            cloud,
            f"making {found.key}",
            lambda error: error_code(error) in unseen,
            lambda: kind.is_ready(cloud, found.id),
        )

    wait_until(cloud, f"making {found.key}", is_ready)


def with_final_snapshots(plan: Plan, stamp: str) -> Plan:
    """The same plan, with a final snapshot of every resource that holds data before it is
    removed. `stamp` makes the snapshots' names unique."""
    return Plan(tuple(_with_final_snapshot(step, stamp) for step in plan.steps))


def _with_final_snapshot(step: Step, stamp: str) -> Step:
    if step.found is None or not step.is_destructive or not BY_NAME[step.key.kind].holds_data:
        return step
    name = f"{step.key.name}-final-{stamp}"
    found = replace(step.found, shows={**step.found.shows, "final_snapshot": name})
    return replace(step, found=found)
