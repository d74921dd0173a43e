"""The faults of a run, with their frequencies. Each is a function that is called at its moment; a
fault that lasts ends by itself. Every choice comes from the run's seed."""

import random

import kombu.exceptions
import MySQLdb
import redis

from tests.crash.data_faults import (
    empty_broker,
    empty_store,
    flush_scripts,
    forget_store,
    many_drains,
    turn_back,
)
from tests.crash.network_faults import (
    cut_broker,
    cut_database,
    cut_store,
    half_open_broker,
    half_open_database,
    half_open_store,
    reset_broker,
    reset_database,
    reset_store,
    slow_database,
    slow_store,
)
from tests.crash.process_faults import (
    kill_beat,
    kill_broker,
    kill_database,
    kill_front,
    kill_store,
    kill_web,
    kill_web_process,
    kill_worker,
    kill_worker_child,
    pause_beat,
    pause_broker,
    pause_database,
    pause_store,
    pause_web,
    pause_worker,
    pause_worker_child,
    wrong_clock,
)
from tests.crash.scene import Deed, Fault
from tests.crash.stage import Stage
from tests.crash.strangers import login_flood, readyz_flood, slow_bodies

# Raised if the target of a fault is away already.
IN_THE_WAY = (redis.RedisError, MySQLdb.Error, kombu.exceptions.OperationalError, OSError)


def heal_stage(stage: Stage) -> None:
    """End all lasting faults. Ended programs are restarted anyway."""
    for route in ("store", "broker", "database"):
        stage.routes[route].switch_to("pass")
    for name in stage.cast.actors:
        stage.cast.wake(name)
        stage.cast.let_go(name)


# Relative frequencies. Restarting a program costs this machine the most, so those are rarer.
CHANCES: dict[Deed, int] = {
    kill_web: 1, kill_web_process: 1, kill_worker: 2, kill_worker_child: 6, kill_beat: 1,
    kill_store: 4, kill_broker: 2, kill_database: 2,
    pause_web: 2, pause_worker: 2, pause_worker_child: 3, pause_beat: 1, pause_store: 3,
    pause_broker: 2, pause_database: 3,
    cut_store: 3, cut_broker: 2, cut_database: 4,
    reset_store: 3, reset_broker: 2, reset_database: 4,
    half_open_store: 3, half_open_broker: 1, half_open_database: 1,
    slow_store: 2, slow_database: 3,
    empty_broker: 3, flush_scripts: 3, many_drains: 4, wrong_clock: 4, empty_store: 2,
    kill_front: 2, slow_bodies: 2, login_flood: 2, readyz_flood: 2,
}  # fmt: skip
DEEDS: dict[str, Deed] = {deed.__name__: deed for deed in (*CHANCES, forget_store, turn_back)}


def draw_faults(
    chance: random.Random, *, count: int, lasts_s: float, kinds: tuple[str, ...] = ()
) -> list[Fault]:
    """`count` faults within `lasts_s` seconds, of these kinds or of all."""
    names = list(kinds) or [deed.__name__ for deed in CHANCES]
    weights = [1] * len(kinds) or list(CHANCES.values())
    faults = [
        Fault(chance.uniform(0.1, lasts_s), kind, chance.randrange(1000), chance.uniform(0.5, 3))
        for kind in chance.choices(names, weights, k=count)
    ]
    return sorted(faults, key=lambda fault: fault.at_s)
