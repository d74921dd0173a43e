"""A million accepted claims over HTTP: a user who had an answer before another user's request was
sent has the lower place. The negative control exchanges two users among the stored rows."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.crash import checker, reading
from tests.crash.checker import Found
from tests.crash.experiments.adding import sum_runs
from tests.crash.experiments.crowds import Manner, ask_everybody
from tests.crash.history import OK, Ask
from tests.crash.opening import Run, open_campaign, record_verdicts
from tests.crash.stage import Stage

_TOGETHER = 50_000
_SAMPLE_S = 5.0  # counting a million rows takes long
_MANNER = Manner(at_once=64)


def play_rounds(stage: Stage, thousands: int) -> dict[str, Any]:
    people, slug = thousands * 1000, f"order-{secrets.token_hex(2)}"
    campaign, asks = open_campaign(slug, people), list[Ask]()
    with reading.sampling_rows(stage, campaign.pk, every_s=_SAMPLE_S) as samples:
        began = time.monotonic()
        for first in range(0, people, _TOGETHER):
            users = range(first, min(people, first + _TOGETHER))
            asks += ask_everybody(
                stage, slug, [(f"person-{number}", 1) for number in users], _MANNER
            )
            print(f"{len(asks)} answered after {time.monotonic() - began:.0f} s, "
                  f"{reading.count_waiting(stage, slug)} wait", flush=True)  # fmt: skip
        run = Run(0)
        last = time.monotonic()
        reading.await_settled(stage, slug, patience_s=300)
        run.settled_after_s = time.monotonic() - last
    found = reading.read_findings(stage, slug, campaign.pk, stock=people, sampled=samples.rows)
    record_verdicts(run, asks, found)
    figures, apart = sum_runs([run]), _nearest_seen(asks, found)
    wrong = sum(map(len, run.wrongs.values()))
    return {
        **figures, "asking_s": round(last - began), "told_per_s": round(run.told / (last - began)),
        "exchange_seen_of_places_apart": apart,
        "broken": wrong + (run.told != people) + (run.stored != people) + (not apart),
    }  # fmt: skip


def _nearest_seen(asks: Sequence[Ask], found: Found) -> int:
    """Exchange the nearest two users of whom one had an answer before the other's request. Returns
    the distance of their places if the checker detects it; 0: not detected."""
    by_place = {ask.reply.place: ask for ask in asks if ask.reply.kind == OK}
    earlier, later = _nearest_exchange(by_place)
    places = {by_place[earlier].user: later, by_place[later].user: earlier}
    rows = [replace(row, place=places.get(row.user, row.place)) for row in found.rows]
    seen = checker.find_inversions(asks, replace(found, rows=rows))
    return later - earlier if seen else 0


def _nearest_exchange(by_place: dict[int, Ask]) -> tuple[int, int]:
    for apart in range(1, len(by_place)):
        for place in sorted(by_place):
            later = by_place.get(place + apart)
            if later and by_place[place].completed < later.invoked:
                return place, place + apart
    raise ValueError("Everybody asked at once.")
