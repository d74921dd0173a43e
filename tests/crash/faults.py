"""The faults of a run. Each is a function that is called at its moment; a fault that lasts ends by
itself. Every choice comes from the run's seed."""

import random
import subprocess
import time

import kombu.exceptions
import MySQLdb
import redis

from config.celery import app
from coupons.broker import wakeups
from coupons.store import keys
from tests.crash.programs import CLOCK_SHIFTS_S, FRONTS, MESSAGES, WEBS, WORKERS, host_clock
from tests.crash.reading import database_session
from tests.crash.scene import Deed, Fault, Scene
from tests.crash.stage import Stage
from tests.crash.strangers import login_flood, readyz_flood, slow_bodies
from tests.harness import disposable

_EMPTY_S = 10.0  # timeout for a moment in which no claim waits
_PLACES_TWICE = 10
REBUILDS = 10  # tries of an operator


def kill_web(scene: Scene, fault: Fault) -> None:
    """All processes of an api host's door."""
    scene.stage.cast.kill(WEBS[fault.which % 2])


def kill_web_process(scene: Scene, fault: Fault) -> None:
    """The process that serves; its parent starts another."""
    scene.stage.cast.kill_child(WEBS[fault.which % 2], fault.which)


def kill_front(scene: Scene, fault: Fault) -> None:
    """HAProxy, with all requests that it has and granian has not yet."""
    scene.stage.cast.kill(FRONTS[fault.which % 2])


def kill_worker(scene: Scene, fault: Fault) -> None:
    """The parent only; its children keep running without it."""
    scene.stage.cast.kill(WORKERS[fault.which % 2], group=False)


def kill_worker_child(scene: Scene, fault: Fault) -> None:
    scene.stage.cast.kill_child(WORKERS[fault.which % 2], fault.which)


def kill_beat(scene: Scene, fault: Fault) -> None:
    scene.stage.cast.kill("beat")


def kill_store(scene: Scene, fault: Fault) -> None:
    """It comes back with its append-only file."""
    scene.stage.cast.kill("store")


def kill_broker(scene: Scene, fault: Fault) -> None:
    """It comes back empty."""
    scene.stage.cast.kill("broker")


def kill_database(scene: Scene, fault: Fault) -> None:
    scene.stage.cast.kill("database")


def pause_web(scene: Scene, fault: Fault) -> None:
    _pause(scene, WEBS[fault.which % 2], fault)


def pause_worker(scene: Scene, fault: Fault) -> None:
    _pause(scene, WORKERS[fault.which % 2], fault)


def pause_worker_child(scene: Scene, fault: Fault) -> None:
    _pause(scene, WORKERS[fault.which % 2], fault, child=fault.which)


def pause_beat(scene: Scene, fault: Fault) -> None:
    _pause(scene, "beat", fault)


def pause_store(scene: Scene, fault: Fault) -> None:
    _pause(scene, "store", fault)


def pause_broker(scene: Scene, fault: Fault) -> None:
    _pause(scene, "broker", fault)


def pause_database(scene: Scene, fault: Fault) -> None:
    _pause(scene, "database", fault)


def cut_store(scene: Scene, fault: Fault) -> None:
    """The server ends all its connections."""
    with scene.stage.store() as client:
        client.client_kill_filter(_type="normal", skipme=True)


def cut_broker(scene: Scene, fault: Fault) -> None:
    with scene.stage.broker() as client:
        for kind in ("normal", "pubsub"):
            client.client_kill_filter(_type=kind, skipme=True)


def cut_database(scene: Scene, fault: Fault) -> None:
    """KILL of every session but this one, also in the middle of a transaction."""
    with database_session(scene.stage) as connection:
        cursor = connection.cursor()
        cursor.execute("SHOW PROCESSLIST")
        sessions = [each[0] for each in cursor.fetchall() if each[0] != connection.thread_id()]
        for session in sessions:
            try:
                cursor.execute(f"KILL {session}")
            except MySQLdb.OperationalError:
                continue  # it has ended by itself


def reset_store(scene: Scene, fault: Fault) -> None:
    """The network resets all connections; bytes in transit are lost."""
    scene.stage.routes["store"].switch_to("reset")


def reset_broker(scene: Scene, fault: Fault) -> None:
    scene.stage.routes["broker"].switch_to("reset")


def reset_database(scene: Scene, fault: Fault) -> None:
    scene.stage.routes["database"].switch_to("reset")


def half_open_store(scene: Scene, fault: Fault) -> None:
    """All connections become half-open: neither end is notified."""
    scene.stage.routes["store"].switch_to("half-open")


def half_open_broker(scene: Scene, fault: Fault) -> None:
    scene.stage.routes["broker"].switch_to("half-open")


def half_open_database(scene: Scene, fault: Fault) -> None:
    scene.stage.routes["database"].switch_to("half-open")


def slow_store(scene: Scene, fault: Fault) -> None:
    _slow(scene, "store", fault, 0.05)


def slow_database(scene: Scene, fault: Fault) -> None:
    _slow(scene, "database", fault, 0.15)


# At the worst moment: with a message that no worker has taken yet.
_EMPTY_BUSY = """if redis.call('LLEN', KEYS[1]) == 0 then return 0 end
redis.call('FLUSHALL') return 1"""


def empty_broker(scene: Scene, fault: Fault) -> None:
    """FLUSHALL while a message waits there; at the timeout in any state."""
    deadline = time.monotonic() + fault.lasts_s / 3
    with scene.stage.broker() as client:
        while time.monotonic() < deadline:
            if client.eval(_EMPTY_BUSY, 1, MESSAGES):
                return
            time.sleep(0.001)
        disposable.empty_redis(client)


def flush_scripts(scene: Scene, fault: Fault) -> None:
    with scene.stage.store() as client:
        client.script_flush()


def many_drains(scene: Scene, fault: Fault) -> None:
    """Let every child of both workers drain the same campaign at once."""
    for _ in range(6):
        app.send_task(wakeups.DRAIN, args=[scene.slug], retry=False)


def wrong_clock(scene: Scene, fault: Fault) -> None:
    """The clock of a web host, a worker or beat jumps ahead or back, by seconds or by hours, and
    stays so; every second time the program is restarted with it."""
    names = sorted(CLOCK_SHIFTS_S)
    rest, which = divmod(fault.which, len(names))
    shifts_s = CLOCK_SHIFTS_S[names[which]]
    restarted, which_shift = divmod(rest, len(shifts_s))
    host_clock(scene.stage.folder, names[which]).shift(shifts_s[which_shift])
    if restarted % 2:
        scene.stage.cast.kill(names[which])


# Empties the store in a moment in which no claim waits: claims that are only in its memory would be
# lost (the window of loss, measured separately); nothing else may be.
_EMPTY = "if redis.call('XLEN', KEYS[1]) > 0 then return 0 end redis.call('FLUSHALL') return 1"


def empty_store(scene: Scene, fault: Fault) -> None:
    """As a restart without its file: the campaign is closed until an operator rebuilds it."""
    forget_store(scene, fault)
    time.sleep(fault.lasts_s / 3)
    rebuild_campaign(scene)


def rebuild_campaign(scene: Scene) -> None:
    """`manage.py rebuild`, repeated if the database or the store fails meanwhile."""
    for _ in range(REBUILDS):
        try:
            scene.stage.manage("rebuild", scene.slug)
            return
        except subprocess.CalledProcessError:
            time.sleep(0.5)
    raise TimeoutError(f"{scene.slug} could not be rebuilt in {REBUILDS} tries.")


def forget_store(scene: Scene, fault: Fault) -> None:
    """The same without a rebuild. Raises TimeoutError if the queue is never empty."""
    deadline = time.monotonic() + _EMPTY_S
    with scene.stage.store() as client:
        while not client.eval(_EMPTY, 1, keys.campaign_keys(scene.slug).queue):
            if time.monotonic() > deadline:
                raise TimeoutError("The queue was never empty.")
            time.sleep(0.002)


# By at most the number of places given.
_TURN_BACK = """local given = tonumber(redis.call('HGET', KEYS[1], 'next') or 0)
return redis.call('HINCRBY', KEYS[1], 'next', -math.min(given, tonumber(ARGV[1])))"""


def turn_back(scene: Scene, fault: Fault) -> None:
    """Decrease the counter of places, as after an undetected failover or a wrong command. The next
    places are given twice, and the second claim of each finds its place taken."""
    with scene.stage.store() as client:
        client.eval(_TURN_BACK, 1, keys.campaign_keys(scene.slug).gate, _PLACES_TWICE)


def _pause(scene: Scene, name: str, fault: Fault, child: int | None = None) -> None:
    scene.stage.cast.pause(name, child=child)
    time.sleep(fault.lasts_s)
    scene.stage.cast.wake(name)


def _slow(scene: Scene, route: str, fault: Fault, delay_s: float) -> None:
    scene.stage.routes[route].switch_to("delay", delay_s)
    time.sleep(fault.lasts_s)
    scene.stage.routes[route].switch_to("pass")


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
