"""The broker is emptied, or killed and restarted empty, while the last users claim: no claim is
lost with a wake-up message, and all are stored soon."""

import random
import time
from typing import Any

from tests.crash.experiments.adding import print_round, sum_runs
from tests.crash.opening import Run, Sale, play_sale
from tests.crash.scene import Scene
from tests.crash.stage import Stage
from tests.harness import disposable

_SALE_S = 1.5
_SOON_S = 2.0


def play_rounds(stage: Stage, rounds: int) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for name, times in {"emptied": rounds, "killed": 2 * rounds}.items():
        runs = [_play_round(stage, number, name) for number in range(times)]
        late = sum(run.settled_after_s > _SOON_S for run in runs)
        figures = sum_runs(runs)
        results[name] = {"rounds": times, **figures, "stored_after_more_than_2_s": late,
                      "broken": figures["broken"] + late}  # fmt: skip
    return {**results, "broken": sum(each["broken"] for each in results.values())}


def _play_round(stage: Stage, number: int, name: str) -> Run:
    at_s = random.Random(number).uniform(0.2, _SALE_S)

    def trouble(scene: Scene, run: Run) -> None:
        time.sleep(at_s)
        if name == "emptied":
            with scene.stage.broker() as client:
                disposable.empty_redis(client)
        else:
            scene.stage.cast.kill("broker")
        run.faults[f"broker {name}"] += 1

    sale = Sale(number, stock=300, users=300, lasts_s=_SALE_S, settle_s=30)
    run = play_sale(stage, sale, trouble)
    print_round(run, number)
    return run
