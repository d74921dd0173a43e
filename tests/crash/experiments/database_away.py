"""The database is away for a minute under load: claims go on being admitted, and are stored soon
after its return."""

import time
from typing import Any

from tests.crash import history, reading
from tests.crash.experiments.adding import added
from tests.crash.faults import Scene
from tests.crash.history import OK
from tests.crash.opening import Run, Sale, troubled
from tests.crash.stage import Stage

_PER_S = 150  # people a second
_STORED_S_PER_10_000 = 5.0


def play(stage: Stage, seconds: int) -> dict[str, Any]:
    people = _PER_S * (seconds + 4)
    seen: dict[str, float] = {}

    def away(scene: Scene, run: Run) -> None:
        time.sleep(2)
        scene.stage.cast.hold_down("database")
        seen["since"] = time.monotonic()
        time.sleep(seconds)
        scene.stage.cast.let_go("database")
        scene.stage.cast.await_ready("database")
        seen["until"] = time.monotonic()
        seen["waiting"] = reading.waiting(scene.stage, scene.slug)
        reading.settle(scene.stage, scene.slug, patience_s=120)
        seen["stored_after_s"] = time.monotonic() - seen["until"]
        run.faults["database_away"] += 1

    run = troubled(stage, Sale(1, people, people, lasts_s=seconds + 4.0), away)
    asks = [ask for ask in history.read(run.history)
            if seen["since"] < ask.invoked < seen["until"]]  # fmt: skip
    per_10_000 = seen["stored_after_s"] * 10_000 / max(10_000, seen["waiting"])
    figures = added([run])
    return {
        "away_s": seconds, **figures, "asked_while_away": len(asks),
        "with_a_place_while_away": sum(ask.heard.kind == OK for ask in asks),
        "waiting_at_its_return": seen["waiting"],
        "stored_after_s": round(seen["stored_after_s"], 2),
        "broken": figures["broken"] + (per_10_000 > _STORED_S_PER_10_000),
    }  # fmt: skip
