"""A hundred thousand users who each send five requests at once, on two hosts; and a fifth as many
who send one to five more and close the connection on every fifth: one place and one answer each."""

import random
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.crash import reading
from tests.crash.experiments.adding import sum_runs
from tests.crash.experiments.crowds import Manner, Wanting, ask_everybody
from tests.crash.history import OK, Ask
from tests.crash.opening import Run, open_campaign, record_verdicts
from tests.crash.stage import Stage

_TOGETHER = 20_000
_TIMES, _AGAIN = 5, 5
_AT_ONCE = Manner(at_once=60, together=True)
_HANGING_UP = Manner(at_once=60, dropped=0.2)


def play_rounds(stage: Stage, thousands: int) -> dict[str, Any]:
    people, chance = thousands * 1000, random.Random(thousands)
    again = [1 + chance.randint(1, _AGAIN) for _ in range(people // 5)]
    results = {
        "five_at_once": _play_round(stage, [_TIMES] * people, _AT_ONCE),
        "sent_again": _play_round(stage, again, _HANGING_UP),
    }
    return {**results, "broken": sum(each["broken"] for each in results.values())}


def _play_round(stage: Stage, times: Sequence[int], manner: Manner) -> dict[str, Any]:
    slug, asks, began = f"repeats-{secrets.token_hex(2)}", list[Ask](), time.monotonic()
    campaign = open_campaign(slug, len(times))
    people: list[Wanting] = [(f"person-{number}", asks) for number, asks in enumerate(times)]
    for first in range(0, len(people), _TOGETHER):
        asks += ask_everybody(stage, slug, people[first : first + _TOGETHER], manner)
        print(f"{len(asks)} asked after {time.monotonic() - began:.0f} s", flush=True)
    run, last = Run(0), time.monotonic()
    reading.await_settled(stage, slug, patience_s=120)
    run.settled_after_s = time.monotonic() - last
    record_verdicts(
        run, asks, reading.read_findings(stage, slug, campaign.pk, stock=len(times), sampled=[])
    )
    wrong = sum(map(len, run.wrongs.values()))
    print(f"told {run.told}, stored {run.stored}, {wrong} wrong", flush=True)
    return {
        "people": len(times), **sum_runs([run]), "per_s": round(len(asks) / (last - began)),
        "heard": dict(Counter(ask.reply.outcome for ask in asks)),
        "asks_under_way_with_another_of_the_same": _count_overlapping(asks),
        "broken": wrong + (run.told != len(times)) + (run.stored != len(times)),
    }  # fmt: skip


def _count_overlapping(asks: Sequence[Ask]) -> int:
    """Answered requests that were sent before an earlier one of the same user had ended."""
    until: dict[str, float] = {}
    overlapping = 0
    for ask in sorted(asks, key=lambda ask: ask.invoked):
        if ask.reply.kind == OK:
            overlapping += ask.invoked < until.get(ask.user, 0.0)
            until[ask.user] = max(ask.completed, until.get(ask.user, 0.0))
    return overlapping
