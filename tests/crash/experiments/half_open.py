"""All connections to one server become half-open: neither end is notified."""

import random
import time
from typing import Any

from tests.crash.experiments.adding import sum_runs
from tests.crash.opening import Run, Sale, play_sale
from tests.crash.scene import Scene
from tests.crash.stage import Stage

_BACK_S = 15.0


def play_rounds(stage: Stage, rounds: int) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for route in ("store", "broker", "database"):
        runs = [_play_round(stage, number, route) for number in range(rounds)]
        results[route] = {"rounds": rounds, **sum_runs(runs),
                       "back_after_more_than_15_s": sum(run.settled_after_s > _BACK_S
                                                        for run in runs)}  # fmt: skip
    wrong = sum(each["broken"] + each["back_after_more_than_15_s"] for each in results.values())
    return {**results, "broken": wrong}


def _play_round(stage: Stage, number: int, route: str) -> Run:
    """Late in the sale, so that the last claims wait for new connections."""
    at_s = random.Random(number).uniform(0.8, 1.4)

    def forget(scene: Scene, run: Run) -> None:
        time.sleep(at_s)
        scene.stage.routes[route].switch_to("half-open")
        run.faults[f"half-open {route}"] += 1

    return play_sale(stage, Sale(number, stock=300, users=300, lasts_s=1.5), forget)
