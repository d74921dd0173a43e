"""The scenarios (users, stages, warm-up), and the load shape that all of them use."""

# isort: off
from locust import LoadTestShape, User
from locust.runners import WorkerRunner

# isort: on
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from arrivals import EVEN, RUSH, Stage, due_between
from campaign import LoadRun
from closed_loop_users import BusySeat, ThinkingSeat
from figures import Window
from mixed_users import Claimer, DoubleClicker, Owner, Watcher
from opening_users import Opener
from redeeming_users import Shopper
from retrying_users import Impatient
from steady_users import EVERY_S, Turnstile

PATIENCE_S = 60  # after the last arrival; then users without an answer are stopped


@dataclass(frozen=True, slots=True)
class Scenario:
    """`per_s`: the intended requests per second in the window for a number of Locust users;
    `users`: the default number of users, for a meaningful run on a laptop."""

    people: tuple[type[User], ...]
    users: int
    stages: tuple[Stage, ...] = RUSH
    warms_up: bool = False
    redeems: bool = False  # it needs a shop: the merchants' door and a key
    per_s: Callable[[int, Window], float | None] = lambda users, window: None


def _rush(users: int, window: Window) -> float:
    come = due_between(RUSH, window.begin, window.end, people=users, seconds=window.end)
    return come / window.seconds


SCENARIOS = {
    "opening": Scenario((Opener,), 2_000, per_s=_rush),
    "steady": Scenario(
        (Turnstile,), 100, EVEN, warms_up=True, per_s=lambda users, _: users / EVERY_S
    ),
    "redeem": Scenario((Shopper,), 1_000, redeems=True),
    "retries": Scenario((Impatient,), 1_000),
    "mixed": Scenario((Claimer, DoubleClicker, Watcher, Owner), 2_000),
    "saturate": Scenario((BusySeat,), 64, EVEN, warms_up=True),
    "think": Scenario(
        (ThinkingSeat,), 200, EVEN, warms_up=True, per_s=lambda users, _: float(users)
    ),
}


class Crowd(LoadTestShape):
    """Starts all users before the opening; the run ends when the last one has left.

    Arrivals within the run follow the scenario's table of stages.
    """

    use_common_options = True  # keep the number of users in the web form
    load_run: ClassVar[LoadRun | None] = None
    scenario: ClassVar[Scenario]
    gather_s: ClassVar[float]
    prepare: ClassVar[Callable[[], bool]]
    at_the_end: ClassVar[Callable[[], None]]

    def tick(self) -> tuple[int, float, list[type[User]]] | None:
        crowd = type(self)
        if crowd.load_run is None and not crowd.prepare():
            return None
        run = crowd.load_run
        if run is not None and run.elapsed_s > run.seconds + PATIENCE_S:
            return None  # Locust stops the remaining users, then closes the run
        if run is None or self._all_have_left(run):
            crowd.at_the_end()
            return None
        return run.people, self._rate(run), list(self.scenario.people)

    def _all_have_left(self, run: LoadRun) -> bool:
        return run.elapsed_s > 1 and self.runner is not None and self.runner.user_count == 0

    def _rate(self, run: LoadRun) -> float:
        """Users to start per second, so that all are started before the opening."""
        return max(10.0, run.people / max(1.0, self.gather_s / 2))


def is_worker(runner: object) -> bool:
    return isinstance(runner, WorkerRunner)
