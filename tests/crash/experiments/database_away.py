"""The database is away for a minute under load: claims are still admitted, and stored soon after
its return."""

import os
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Thread
from typing import Any

from tests.crash import reading
from tests.crash.experiments import crowds
from tests.crash.experiments.adding import sum_runs
from tests.crash.experiments.crowds import Manner
from tests.crash.history import OK, Ask
from tests.crash.opening import Run, open_campaign, record_verdicts
from tests.crash.stage import Stage

PER_S = int(os.environ.get("AWAY_PER_S", "150"))  # users a second
_BEFORE_S = _AFTER_S = 2
_AT_ONCE = 512  # more than arrive during one answer, so that users come in time
_STORED_S_PER_10_000, _STORED_S = 5.0, 60.0
_SAMPLE_S = 1.0


@dataclass(slots=True)
class Away:
    """When the database was away (monotonic), and how many claims waited at its return."""

    since: float = 0.0
    until: float = 0.0
    waiting: int = 0
    stored_after_s: float = 0.0

    def happen(self, stage: Stage, slug: str, seconds: int) -> None:
        time.sleep(_BEFORE_S)
        stage.cast.hold_down("database")
        self.since = time.monotonic()
        time.sleep(seconds)
        self.waiting = reading.count_waiting(stage, slug)
        stage.cast.let_go("database")
        stage.cast.await_ready("database")
        self.until = time.monotonic()
        reading.await_settled(stage, slug, patience_s=300)
        self.stored_after_s = time.monotonic() - self.until


def play_rounds(stage: Stage, seconds: int) -> dict[str, Any]:
    people, slug = PER_S * (_BEFORE_S + seconds + _AFTER_S), f"away-{secrets.token_hex(2)}"
    campaign, away, run = open_campaign(slug, people), Away(), Run(1)
    wanting = [(f"person-{number}", 1) for number in range(people)]
    orders = crowds.make_orders(stage, slug, wanting, Manner(at_once=_AT_ONCE, per_s=PER_S))
    trouble = Thread(target=away.happen, args=(stage, slug, seconds), daemon=True)
    with reading.sampling_rows(stage, campaign.pk, every_s=_SAMPLE_S) as samples:
        trouble.start()
        asks = crowds.run_crowds(stage, orders)
        trouble.join()
    run.settled_after_s = away.stored_after_s
    record_verdicts(
        run,
        asks,
        reading.read_findings(stage, slug, campaign.pk, stock=people, sampled=samples.rows),
    )
    return _sum_figures(run, asks, away)


def _sum_figures(run: Run, asks: Sequence[Ask], away: Away) -> dict[str, Any]:
    meanwhile = [ask for ask in asks if away.since < ask.invoked < away.until]
    errors = Counter(ask.reply.outcome for ask in meanwhile if ask.reply.kind != OK)
    waits = sorted(ask.completed - ask.invoked for ask in meanwhile)
    asking_s = max(ask.invoked for ask in asks) - min(ask.invoked for ask in asks)
    late = away.stored_after_s > min(_STORED_S, _STORED_S_PER_10_000 * max(1, away.waiting / 1e4))
    return {
        "away_s": round(away.until - away.since, 1), **sum_runs([run]),
        "asked_per_s": round(len(asks) / asking_s), "asked_while_away": len(meanwhile),
        "errors_while_away": dict(errors),
        "answered_p50_ms": round(waits[len(waits) // 2] * 1e3, 1),
        "answered_p99_ms": round(waits[int(len(waits) * 0.99)] * 1e3, 1),
        "waiting_at_its_return": away.waiting, "stored_after_s": round(away.stored_after_s, 2),
        "broken": sum(map(len, run.wrongs.values())) + errors.total() + late,
    }  # fmt: skip
