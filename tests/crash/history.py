"""The history of all requests: one line per event, written as it happens.

`invoke` before a claim is sent, then one of `ok` (a place), `fail` (a refusal that decides) or
`info` (a timeout, a reset, any 5xx: the outcome is unknown). Times are this process's monotonic
clock.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

OK, FAIL, INFO = "ok", "fail", "info"
NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Reply:
    """The end of a request. `outcome` is the API's word, or the error of the connection."""

    kind: str
    outcome: str
    place: int = 0
    code: str = ""
    receipt: str = ""
    admitted_at: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of one user and its answer; `completed` is NEVER if it has no end."""

    user: str
    invoked: float
    completed: float
    reply: Reply


class Recorder:
    """Appends events to a file and flushes each, so that they survive this process."""

    def __init__(self, file: Path) -> None:
        self._out = file.open("a", buffering=1)
        self._lock, self._number = Lock(), 0

    def invoke(self, user: str) -> int:
        with self._lock:
            self._number += 1
            self._write({"type": "invoke", "ask": self._number, "user": user})
            return self._number

    def complete(self, ask: int, reply: Reply) -> None:
        with self._lock:
            fields = asdict(reply)
            self._write({"type": fields.pop("kind"), "ask": ask, **fields})

    def close(self) -> None:
        self._out.close()

    def _write(self, event: dict[str, Any]) -> None:
        self._out.write(json.dumps({"at": monotonic(), **event}) + "\n")


def read_history(file: Path) -> list[Ask]:
    """The asks of a history, in the order of their invocation."""
    with file.open() as lines:
        return asks_of(json.loads(line) for line in lines)


def asks_of(events: Iterable[dict[str, Any]]) -> list[Ask]:
    """Join the events of each request; a request without an end is `info`."""
    invoked: dict[int, dict[str, Any]] = {}
    ended: dict[int, dict[str, Any]] = {}
    for event in events:
        (invoked if event["type"] == "invoke" else ended)[event["ask"]] = event
    return list(_join_events(invoked, ended))


def _join_events(
    invoked: dict[int, dict[str, Any]], ended: dict[int, dict[str, Any]]
) -> Iterator[Ask]:
    for number, begun in invoked.items():
        end = ended.get(number, {"type": INFO, "outcome": "no end", "at": NEVER})
        fields = {name: end[name] for name in _TOLD if name in end}
        yield Ask(begun["user"], begun["at"], end["at"], Reply(end["type"], **fields))


_TOLD = ("outcome", "place", "code", "receipt", "admitted_at")
