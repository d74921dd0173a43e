"""Clients who claim nothing at the doors while users claim: slow bodies and logins on each door,
readiness requests while MySQL is stopped, and reads of 64 users. Rate and latency of claims stay
nearly the same, the host stays in the balancer, nothing restarts. Without the front
(`doors-without`) claims stop.

The site has one core; the crowd and, with low priority, the attackers have the other.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Event, Thread
from typing import Any

from tests.crash import reading, strangers
from tests.crash.experiments.overload import Crowd, pin_site
from tests.crash.opening import open_campaign
from tests.crash.programs import FRONTS, OPERATORS, WEBS, is_answering
from tests.crash.stage import Stage
from tests.crash.strangers import Attack

MANY = 64  # of each kind at once
_LASTS_S = 60.0  # of an attack
_BEFORE_S = 20.0  # of the readings before and after
_PEOPLE = 2_000  # for one reading of the rate
_AT_ONCE = 32
_STOCK = 400_000
_KEPT_RATE, _SLOWER = 0.9, 2.0
_KEPT_BESIDE_USERS = 0.5  # beside reads, which are served: to users, with tokens


def play_rounds(stage: Stage, rounds: int) -> dict[str, Any]:
    """`rounds`: repetitions of each attack. Claims are measured before, during and after each."""
    stage.cast.hold_down(WEBS[1])
    pin_site(os.sched_getaffinity(0), stage)
    slug = f"doors-{os.getpid()}"
    campaign = open_campaign(slug, _STOCK)
    crowd = Crowd(stage, slug)
    crowd.ask(_PEOPLE, at_most=_AT_ONCE)  # warm
    attacks = _attacks(stage, slug)
    played = [_round(stage, crowd, name, attacks[name]) for _ in range(rounds) for name in attacks]
    reading.await_settled(stage, slug, patience_s=60)
    found = reading.read_findings(stage, slug, campaign.pk, stock=_STOCK, sampled=[])
    restarts = sum(stage.cast[name].restarts for name in (WEBS[0], OPERATORS[0], FRONTS[0])
                   if name in stage.cast.actors)  # fmt: skip
    return {
        "many": MANY, "rounds": played, "told": crowd.told, "stored": len(found.rows),
        "restarts": restarts,
        "broken": sum(each["broken"] for each in played) + restarts
        + (len(found.rows) < crowd.told),
    }  # fmt: skip


def _attacks(stage: Stage, slug: str) -> dict[str, list[Attack]]:
    """By name, the attacks that run at the same time."""
    host = stage.hosts[0]
    users, operators = host.users, host.operators
    return {
        "slow bodies": [Attack("slow_bodies", users, slug), Attack("slow_bodies", operators)],
        "logins": [Attack("logins", users), Attack("logins", operators)],
        "readiness, MySQL stopped": [Attack("readyz", users), Attack("readyz", operators)],
        "reads": [Attack("reads", users, slug)],
    }


def _round(stage: Stage, crowd: Crowd, name: str, attacks: list[Attack]) -> dict[str, Any]:
    before = _reading(crowd, _BEFORE_S)
    with ExitStack() as stack:
        if "MySQL" in name:
            stage.cast.pause("database")
            stack.callback(stage.cast.wake, "database")
        ready = stack.enter_context(_watched(stage))
        running = [strangers.start_attack(attack, MANY, _LASTS_S) for attack in attacks]
        time.sleep(1)
        meanwhile = _reading(crowd, _LASTS_S - 10)
        heard = [strangers.attack_statuses(one) for one in running]
    reading.await_settled(stage, crowd.slug, patience_s=120)  # workers store what waits
    after = _reading(crowd, _BEFORE_S)
    rate = (before["per_s"] + after["per_s"]) / 2
    p99 = (before["p99_ms"] + after["p99_ms"]) / 2
    kept = meanwhile["per_s"] / rate
    slower = meanwhile["p99_ms"] / p99
    least = _KEPT_BESIDE_USERS if name == "reads" else _KEPT_RATE
    return {
        "attack": name, "before": before, "meanwhile": meanwhile, "after": after,
        "rate_kept": round(kept, 3), "p99_times": round(slower, 2),
        "not_ready": ready.count(False), "asked_for_readiness": len(ready), "heard": heard,
        "broken": (kept < least) + (slower > _SLOWER) + (False in ready)
        + meanwhile["unanswered"],
    }  # fmt: skip


def _reading(crowd: Crowd, lasts_s: float) -> dict[str, Any]:
    """Rate and latency of claims of a closed load that lasts so long."""
    until, asked_s, seconds, unanswered = time.monotonic() + lasts_s, 0.0, list[float](), 0
    while time.monotonic() < until:
        told = crowd.ask(_PEOPLE, at_most=_AT_ONCE)
        asked_s += max(done for _, done, _, _ in told)  # all are due at the beginning
        seconds += [since for status, _, _, since in told if status == 202]
        unanswered += sum(status != 202 for status, *_ in told)
    return {
        "people": len(seconds), "per_s": round(len(seconds) / asked_s, 1),
        "p99_ms": round(1e3 * sorted(seconds)[int(0.99 * len(seconds))], 1) if seconds else 1e9,
        "unanswered": unanswered,
    }  # fmt: skip


@contextmanager
def _watched(stage: Stage) -> Iterator[list[bool]]:
    """Whether the host was ready, requested twice a second as a balancer does."""
    said: list[bool] = []
    over = Event()

    def watch() -> None:
        while not over.wait(0.5):
            said.append(is_answering(stage.hosts[0].operators, "/readyz"))

    watching = Thread(target=watch, daemon=True)
    watching.start()
    yield said
    over.set()
    watching.join()
