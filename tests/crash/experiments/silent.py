"""The deciding store does not answer: a black hole in the network, or a stopped process. All users
get 503 soon, and are served soon after its return."""

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from tests.crash import history
from tests.crash.experiments.adding import print_round, sum_runs
from tests.crash.experiments.listening import count_scripts
from tests.crash.history import INFO, OK, Ask
from tests.crash.opening import Run, Sale, play_sale
from tests.crash.programs import WEBS
from tests.crash.scene import Scene
from tests.crash.stage import Stage

_SILENT_S = float(os.environ.get("SILENT_S", "4"))
_TOLD_S, _SERVED_S = 0.5, 2.0

Moments = list[float]
Round = tuple[Run, Moments, int]  # and scripts that ran more often than requests were sent


def play_rounds(stage: Stage, rounds: int) -> dict[str, Any]:
    results = {
        name: _sum_figures([_play_round(stage, number, silence) for number in range(rounds)], stage)
        for name, silence in {"black_hole": _drop_packets, "stopped": _pause_redis}.items()
    }
    return {**results, "broken": sum(each["broken"] for each in results.values())}


def _play_round(stage: Stage, number: int, silence: Callable[[Scene], None]) -> Round:
    moments: Moments = []

    def be_silent(scene: Scene, run: Run) -> None:
        time.sleep(1)
        moments.append(time.monotonic())
        silence(scene)
        moments.append(time.monotonic())
        run.faults["silence"] += 1

    sale = Sale(number, stock=800, users=800, lasts_s=_SILENT_S + 3)
    with count_scripts(stage) as scripts:
        run = play_sale(stage, sale, be_silent)
    asks = Counter(ask.user for ask in history.read_history(run.history))
    print_round(run, number)
    return run, moments, (scripts - asks).total()


def _drop_packets(scene: Scene) -> None:
    scene.stage.routes["store"].switch_to("hole")
    time.sleep(_SILENT_S)
    scene.stage.routes["store"].switch_to("pass")


def _pause_redis(scene: Scene) -> None:
    scene.stage.cast.pause("store")
    time.sleep(_SILENT_S)
    scene.stage.cast.wake("store")


def _sum_figures(rounds: Sequence[Round], stage: Stage) -> dict[str, Any]:
    waits: list[float] = []
    served: list[float] = []
    for run, (since, until), _ in rounds:
        asks = history.read_history(run.history)
        waits += [ask.completed - ask.invoked for ask in asks if _in_silence(ask, since, until)]
        served.append(min(ask.completed for ask in asks
                          if ask.reply.kind == OK and ask.completed > until) - until)  # fmt: skip
    waits.sort()
    p99 = waits[int(len(waits) * 0.99)]
    figures = sum_runs([run for run, _, _ in rounds])
    repeated = sum(sent for _, _, sent in rounds)
    return {
        "rounds": len(rounds), **figures, "told_503": len(waits),
        "told_p50_ms": round(waits[len(waits) // 2] * 1e3, 1), "told_p99_ms": round(p99 * 1e3, 1),
        "told_max_ms": round(waits[-1] * 1e3, 1),
        "first_admission_after_s": [round(each, 2) for each in served],
        "scripts_sent_again": repeated,
        "web_restarts": sum(stage.cast[name].restarts for name in WEBS),
        "broken": figures["broken"] + (p99 > _TOLD_S) + bool(repeated) + (max(served) > _SERVED_S),
    }  # fmt: skip


def _in_silence(ask: Ask, since: float, until: float) -> bool:
    return ask.reply.kind == INFO and ask.invoked > since and ask.completed < until
