"""The deciding store loses its data in the middle of a sale: nothing is admitted until it is
rebuilt; then places go on above the highest.

Every other round empties it while no claim waits. In the others claims wait: they are replayed from
the recent admissions that the web processes published (`recovery.lost_admissions`), so that none is
lost either. `emptied-without`, without the replay, is the negative control.
"""

import random
import time
from typing import Any

from tests.crash import history
from tests.crash.data_faults import forget_store, rebuild_campaign
from tests.crash.experiments.adding import sum_runs
from tests.crash.opening import Run, Sale, play_sale
from tests.crash.scene import Fault, Scene
from tests.crash.stage import Stage
from tests.harness import disposable

_CLOSED_S = 0.7  # users claim at an empty store for so long


def play_rounds(stage: Stage, rounds: int) -> dict[str, Any]:
    rounds_played = [_play_round(stage, number) for number in range(rounds)]
    safe = [run for run, _ in rounds_played[::2]]
    waiting = [run for run, _ in rounds_played[1::2]]
    while_empty = sum(admitted for _, admitted in rounds_played)
    calm, rush = sum_runs(safe), sum_runs(waiting or safe)
    return {
        "emptied": rounds,
        "admitted_before_rebuilt": while_empty,
        "when_nothing_waited": calm,
        "when_claims_waited": rush,
        "broken": calm["broken"] + rush["broken"] + bool(while_empty),
    }


def _play_round(stage: Stage, number: int) -> tuple[Run, int]:
    moments: list[float] = []
    at_s = random.Random(number).uniform(0.4, 1.6)

    def empty(scene: Scene, run: Run) -> None:
        time.sleep(at_s)
        if number % 2:
            with scene.stage.store() as client:
                disposable.empty_redis(client)
        else:
            forget_store(scene, Fault(at_s, "empty_store", 0, 0))
        moments.append(time.monotonic())
        time.sleep(_CLOSED_S)
        moments.append(time.monotonic())
        rebuild_campaign(scene)
        run.faults["empty_store"] += 1

    sale = Sale(number, stock=500, users=700, lasts_s=2.0, settle_s=20)
    run = play_sale(stage, sale, empty)
    return run, _admitted_between(run, *moments)


def _admitted_between(run: Run, since: float, until: float) -> int:
    asks = history.read_history(run.history)
    return sum(
        ask.reply.outcome == "admitted" and ask.invoked > since and ask.completed < until
        for ask in asks
    )
