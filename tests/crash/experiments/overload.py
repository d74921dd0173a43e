"""Open load of five times (TIMES in the environment) the rate that the site can serve. Admissions
are fast, other users get 503 with Retry-After, no process restarts, memory stays flat.

The site (one web process as in production, Redis, database, workers) has one core, the crowd the
other.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

from coupons.identity import user_tokens
from coupons.store import store
from tests.crash import reading
from tests.crash.experiments.soak import resident_mib
from tests.crash.http_crowd import RESET, TIMEOUT, Orders, orders_as_json
from tests.crash.opening import open_campaign
from tests.crash.programs import WEBS
from tests.crash.stage import ROOT, Stage

TIMES = float(os.environ.get("TIMES", "5"))
LASTS_S = 20
_STOCK = 400_000
_AT_ONCE = 64  # users of the closed load that measures the rate it can serve
_PATIENCE_S = 20.0
_SOON_S = 2.0
_LATE_S = 0.2  # a crowd that is later measures itself, not the site
_GROWTH = 0.1  # of memory, from the first round to the last

# Status, seconds since the request was due, Retry-After, seconds since it was sent.
Timed = list[tuple[int, float, bool, float]]


def play_rounds(stage: Stage, rounds: int) -> dict[str, Any]:
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert most >= 16_384, "ulimit -n 16384: a connection each"
    stage.cast.hold_down(WEBS[1])
    pin_site(os.sched_getaffinity(0), stage)
    slug = f"flood-{os.getpid()}"
    campaign = open_campaign(slug, _STOCK)
    crowd = Crowd(stage, slug)
    crowd.ask(3_000, at_most=_AT_ONCE)  # warm
    capacity = crowd.capacity()
    played = [
        _play_round(stage, crowd, capacity, reuse=bool(number % 2)) for number in range(rounds)
    ]
    reading.await_settled(stage, slug, patience_s=60)
    found = reading.read_findings(stage, slug, campaign.pk, stock=_STOCK, sampled=[])
    floods = [each["memory_mib"][1] for each in played]
    is_stored = len(found.rows) >= crowd.told and store().campaigns.gate(slug).admitted == len(
        found.rows
    )
    return {
        "capacity_per_s": round(capacity), "times": TIMES, "rounds": played,
        "told": crowd.told, "stored": len(found.rows),
        "web_restarts": stage.cast[WEBS[0]].restarts,
        "broken": sum(each["broken"] for each in played) + (not is_stored)
        + stage.cast[WEBS[0]].restarts + (floods[-1] > floods[0] * (1 + _GROWTH)),
    }  # fmt: skip


def _play_round(stage: Stage, crowd: "Crowd", capacity: float, *, reuse: bool) -> dict[str, Any]:
    web = stage.cast[WEBS[0]]
    before, peak, over = resident_mib(web), [0.0], Event()

    def watch() -> None:
        while not over.wait(0.5):
            peak[0] = max(peak[0], resident_mib(web))

    watching = Thread(target=watch, daemon=True)
    watching.start()
    per_s = TIMES * capacity
    answers = crowd.ask(round(per_s * LASTS_S), per_s=per_s, reuse=reuse)
    cpu, late_s = crowd.cpu, _quantile_of(sorted(crowd.late_s), 0.99)
    over.set()
    watching.join()
    began = time.monotonic()
    crowd.ask(1)
    after_s = time.monotonic() - began
    figures = _sum_figures(answers, per_s, reuse)
    return figures | {
        "memory_mib": [round(before), round(peak[0])],
        "next_one_after_s": round(after_s, 2),
        "crowd_cpu": round(cpu, 2), "crowd_late_p99_s": round(late_s, 3),
        "broken": figures["broken"] + (late_s > _LATE_S),
    }  # fmt: skip


def _sum_figures(answers: Timed, per_s: float, reuse: bool) -> dict[str, Any]:
    admitted = sorted(seconds for status, seconds, *_ in answers if status == 202)
    refused = sorted(seconds for status, seconds, *_ in answers if status == 503)
    others = Counter(status for status, *_ in answers if status not in (202, 503))
    named = {RESET: "reset", TIMEOUT: "no answer"}
    again = all(again for status, _, again, _ in answers if status == 503)
    sent = sorted(since for status, _, _, since in answers if status == 202)
    slow = bool(admitted) and _quantile_of(admitted, 0.99) > _SOON_S
    return {
        "connections": "kept" if reuse else "one each", "offered_per_s": round(per_s),
        "asks": len(answers), "admitted": len(admitted),
        "admitted_per_s": round(len(admitted) / LASTS_S), **_time_figures("admitted", admitted),
        "admitted_p99_after_asking_s": round(_quantile_of(sent, 0.99), 2) if sent else None,
        "refused": len(refused), **_time_figures("refused", refused), "retry_after": again,
        "others": {named.get(status, str(status)): count for status, count in others.items()},
        "broken": int(slow) + (not admitted) + (not again) + bool(others),
    }  # fmt: skip


def _time_figures(name: str, seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    return {f"{name}_{label}_s": round(_quantile_of(seconds, part), 2)
            for label, part in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))}  # fmt: skip


def _quantile_of(seconds: Sequence[float], part: float) -> float:
    return seconds[min(len(seconds) - 1, int(part * len(seconds)))]


class Crowd:
    """Sends claims of new users by `http_crowd`."""

    def __init__(self, stage: Stage, slug: str) -> None:
        self.slug = slug
        self._port, self._path = stage.web_ports[0], f"/api/v1/campaigns/{slug}/claims"
        self._number, self.told = 0, 0
        self.late_s: list[float] = []
        self.cpu = 0.0  # the crowd's share of its core: near 1, its rate was not reached

    def ask(
        self, people: int, *, per_s: float = 1e9, at_most: int = 0, reuse: bool = False
    ) -> Timed:
        named = range(self._number, self._number + people)
        self._number += people
        signed = [
            (user, user_tokens.mint_token(user, lifetime_s=900), 1)
            for user in (f"person-{number}" for number in named)
        ]
        orders = Orders(
            (self._port,), self._path, signed, at_once=at_most, per_s=per_s,
            patience_s=_PATIENCE_S, until_decided=False, keep=reuse, bodies=False,
        )  # fmt: skip
        done = subprocess.run([sys.executable, "-m", "tests.crash.http_crowd"], cwd=ROOT, text=True,
                              input=orders_as_json(orders), stdout=subprocess.PIPE, check=True,
                              preexec_fn=to_other_core)  # fmt: skip
        first, *answers = map(json.loads, done.stdout.splitlines())
        self.cpu, self.late_s = first["cpu"], [sent - due for _, due, sent, *_ in answers]
        timed: Timed = [
            (status, ended - due, again, ended - sent)
            for _, due, sent, ended, status, again, _ in answers
        ]
        self.told += sum(status == 202 for status, *_ in timed)
        return timed

    def capacity(self) -> float:
        """Answers a second under closed load."""
        people = 6_000
        answers = self.ask(people, at_most=_AT_ONCE)  # all are due at the beginning
        assert all(status == 202 for status, *_ in answers), Counter(each[0] for each in answers)
        return people / max(seconds for _, seconds, *_ in answers)


def to_other_core() -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})


def pin_site(cores: set[int], stage: Stage) -> None:
    """Pin all processes of the site to the first core."""
    for actor in stage.cast.actors.values():
        for pid in (actor.pid, *actor.children()):
            for task in Path(f"/proc/{pid}/task").glob("*"):
                with suppress(OSError):
                    os.sched_setaffinity(int(task.name), {min(cores)})
