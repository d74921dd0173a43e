"""The primary's host fails, with all data in transit to its replica; the replica is promoted.

The link between the two has a delay of 5 to 50 ms. Killing a local primary would prove nothing: its
replica would have all data.
"""

import random
import time
from typing import Any

import redis

from tests.crash.experiments.adding import print_round, sum_runs
from tests.crash.opening import Run, Sale, play_sale
from tests.crash.scene import Scene
from tests.crash.stage import Stage

NAMES = ("store", "store-2")
_SALE_S = 2.0
_PROMOTED_AFTER_S = 0.3  # a managed service needs longer; nothing depends on it


class Pair:
    """Two Redis servers; one is the primary (`_leader`)."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._leader = stage, NAMES[0]

    @property
    def _other(self) -> str:
        return NAMES[1 - NAMES.index(self._leader)]

    def follow(self, delay_s: float) -> None:
        """Make the other one the replica, over the slow link."""
        self._stage.routes["link"].switch_to("target", self._stage.ports[self._leader])
        self._stage.routes["link"].switch_to("delay", delay_s)
        with self._client(self._other) as client:
            client.replicaof("127.0.0.1", self._stage.routes["link"].port)

    def await_sync(self) -> None:
        """Raises TimeoutError. Without this a round would measure an unfinished first copy."""
        deadline = time.monotonic() + 30
        while not self._in_sync():
            if time.monotonic() > deadline:
                raise TimeoutError("The replica did not catch up.")
            time.sleep(0.05)

    def lose_leader(self) -> None:
        """Drop the data in transit, kill the primary, then promote the replica."""
        self._stage.routes["link"].switch_to("hole")
        self._stage.cast.hold_down(self._leader)
        time.sleep(_PROMOTED_AFTER_S)
        with self._client(self._other) as client:
            client.replicaof("NO", "ONE")
        self._leader = self._other
        self._stage.routes["store"].switch_to("target", self._stage.ports[self._leader])
        self._stage.routes["store"].switch_to("reset")
        self._stage.cast.let_go(self._other)
        self._stage.cast.await_ready(self._other)

    def _in_sync(self) -> bool:
        with self._client(self._leader) as ahead, self._client(self._other) as behind:
            replica: Any = behind.info("replication")
            at: Any = ahead.info("replication")
        return bool(
            replica.get("master_link_status") == "up"
            and not replica["master_sync_in_progress"]
            and at["connected_slaves"]
            and at["master_replid"] == replica["master_replid"]
        )

    def _client(self, name: str) -> redis.Redis:
        return redis.Redis(port=self._stage.ports[name], socket_timeout=5)


def play_rounds(stage: Stage, rounds: int) -> dict[str, Any]:
    pair, chance = Pair(stage), random.Random(rounds)
    runs = [_play_round(stage, pair, number, chance) for number in range(rounds)]
    return {"failovers": rounds, **sum_runs(runs)}


def _play_round(stage: Stage, pair: Pair, number: int, chance: random.Random) -> Run:
    delay_s, at_s = chance.uniform(0.005, 0.05), chance.uniform(0.4, _SALE_S - 0.4)
    pair.follow(delay_s)
    pair.await_sync()

    def lose(scene: Scene, run: Run) -> None:
        time.sleep(at_s)
        pair.lose_leader()
        pair.follow(delay_s)
        run.faults["failover"] += 1

    sale = Sale(number, stock=500, users=700, lasts_s=_SALE_S, settle_s=30)
    run = play_sale(stage, sale, lose)
    print_round(run, number)
    return run
