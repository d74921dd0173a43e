"""Faults of what Redis and the broker hold: emptied, decreased, scripts flushed, too many messages;
and the operator's rebuild."""

import subprocess
import time

from config.celery import app
from coupons.broker import wakeups
from coupons.store import keys
from tests.crash.programs import MESSAGES
from tests.crash.scene import Fault, Scene
from tests.harness import disposable

_EMPTY_S = 10.0  # timeout for a moment in which no claim waits
_PLACES_TWICE = 10
REBUILDS = 10  # tries of an operator
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
