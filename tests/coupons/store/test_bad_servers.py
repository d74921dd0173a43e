"""Error replies of a Redis: each leads to 503 with Retry-After, takes no place and shows no
internals, and the same claim is admitted once the server works again."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from coupons import store as store_module
from coupons.store import store
from tests.conftest import CampaignMaker, Person
from tests.coupons.api.test_away import comes_back
from tests.harness.store_override import forget_store

COMMAND = re.compile(rb"(?:\A|\r\n)\*\d+\r\n")

SAID = [
    "LOADING Redis is loading the dataset in memory",
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "READONLY You can't write against a read only replica.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "MOVED 3999 10.0.0.7:6379",
    "ASK 3999 10.0.0.7:6379",
    "CLUSTERDOWN The cluster is down",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "CROSSSLOT Keys in request don't hash to the same slot",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist",
    "NOREPLICAS Not enough good replicas to write.",
    "NOAUTH Authentication required.",
    "WRONGPASS invalid username-password pair or user is disabled.",
    "NOPERM this user has no permissions to run the 'evalsha' command",
    "NOSCRIPT No matching script. Please use EVAL.",
    "ERR max number of clients reached",
    "ERR unknown command",
]


class Sayer:
    """A server on Redis' port that gives every command the same reply."""

    def __init__(self, said: bytes) -> None:
        self.asked = 0
        self._said = said
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            while data := client.recv(65_536):
                commands = len(COMMAND.findall(data))
                self.asked += commands
                client.sendall(self._said * commands)

    def close_listener(self) -> None:
        self._listener.close()


@pytest.fixture
def redis_that_says(settings: Any) -> Iterator[Any]:
    """Call it with bytes: Redis then replies only that. Call the result to restore Redis."""
    real, sayers = settings.REDIS_URL, list[Sayer]()

    def start_saying(said: bytes) -> Any:
        sayers.append(Sayer(said))
        settings.REDIS_URL = f"redis://127.0.0.1:{sayers[-1].port}/0"
        forget_store()

        def restore_redis() -> None:
            settings.REDIS_URL = real
            forget_store()

        return restore_redis

    yield start_saying
    settings.REDIS_URL = real
    forget_store()
    for sayer in sayers:
        sayer.close_listener()


@pytest.mark.parametrize("said", SAID, ids=lambda said: said.split()[0])
def test_an_error_of_redis_is_a_503_and_no_decision(
    open_campaign: CampaignMaker, redis_that_says: Any, said: str
) -> None:
    open_campaign(stock=1)
    well = redis_that_says(f"-{said}\r\n".encode())
    answer = Person("jun").claims()
    comes_back(answer, "store_away", "redis")
    for word in (said.split()[0], "10.0.0.7", "script", "Lua"):
        assert word not in answer.content.decode()
    well()
    assert store_module.store().campaigns.gate("sale").admitted == 0
    assert Person("jun").claims().json()["place"] == 1


@pytest.mark.parametrize(
    "said",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"$-1\r\n", b":1\r\n", b"*0\r\n", b"\x00\xff\xfe\r\n",
     b"*4\r\n$5\r\nmaybe\r\n:0\r\n:0\r\n:0\r\n", b"+OK\r\n"],
    ids=repr,
)  # fmt: skip
def test_something_else_on_its_port_admits_nobody(
    open_campaign: CampaignMaker, redis_that_says: Any, said: bytes
) -> None:
    open_campaign(stock=1)
    well = redis_that_says(said)
    jun = Person("jun")
    jun.client.raise_request_exception = False
    assert jun.claims().status_code in (500, 503)
    well()
    assert store_module.store().campaigns.gate("sale").admitted == 0
    assert jun.claims().json()["place"] == 1


def test_an_empty_redis_is_closed_for_repair(open_campaign: CampaignMaker) -> None:
    open_campaign()
    store().client.flushall()
    comes_back(Person("jun").claims(), "closed_for_repair", "redis")
