"""Crowds (`http_crowd`) as processes, and their answers as a history."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import IO

from config.development.process.programs import leash_command
from coupons.identity import user_tokens
from tests.crash.history import INFO, Ask, Reply
from tests.crash.http_crowd import NO_ANSWER, Orders, orders_as_json
from tests.crash.people import parse_reply
from tests.crash.stage import ROOT, Stage

_PROCESSES = 2
_LIFETIME_S = 3_600

Wanting = tuple[str, int]  # a user, and the number of requests


@dataclass(frozen=True, slots=True)
class Manner:
    """The load of a crowd; see `http_crowd.Orders`."""

    at_once: int = 64
    together: bool = False
    dropped: float = 0.0
    per_s: float = 1e9
    patience_s: float = 10.0


def ask_everybody(stage: Stage, slug: str, people: Sequence[Wanting], manner: Manner) -> list[Ask]:
    """Send all requests. Returns them with their answers, in no order."""
    return run_crowds(stage, make_orders(stage, slug, people, manner))


def make_orders(
    stage: Stage,
    slug: str,
    people: Sequence[Wanting],
    manner: Manner,
    *,
    ports: tuple[int, ...] = (),
) -> list[Orders]:
    """Orders for each process, with signed tokens, which takes long for many users. `ports`: in
    place of the web hosts'."""
    each = Orders(
        ports or stage.web_ports, f"/api/v1/campaigns/{slug}/claims", [],
        at_once=manner.at_once // _PROCESSES, together=manner.together, dropped=manner.dropped,
        per_s=manner.per_s / _PROCESSES, patience_s=manner.patience_s,
    )  # fmt: skip
    return [
        replace(each, people=_with_tokens(people[first::_PROCESSES]), seed=first)
        for first in range(_PROCESSES)
    ]


def run_crowds(
    stage: Stage, orders: Sequence[Orders], *, meanwhile: Callable[[], None] | None = None
) -> list[Ask]:
    """Send all requests, or as many as are sent until `meanwhile` returns. Raises RuntimeError if a
    crowd fails."""
    running = [_start_crowd(stage, share) for share in orders]
    if meanwhile:
        meanwhile()
        for program, _ in running:
            program.terminate()  # no more users come
    asks: list[Ask] = []
    for program, output in running:
        if program.wait():
            raise RuntimeError("A crowd died.")
        output.seek(0)
        next(output)  # the crowd's share of a core
        asks += map(_parse_ask, output)
        output.close()
    return asks


def _with_tokens(people: Sequence[Wanting]) -> list[tuple[str, str, int]]:
    return [
        (user, user_tokens.mint_token(user, lifetime_s=_LIFETIME_S), times)
        for user, times in people
    ]


def _start_crowd(stage: Stage, orders: Orders) -> tuple["subprocess.Popen[str]", IO[str]]:
    """A crowd that has its orders, and the file of its output."""
    output = tempfile.TemporaryFile("w+", dir=stage.folder)  # noqa: SIM115 - closed when read
    command = [*leash_command("KILL"), sys.executable, "-m", "tests.crash.http_crowd"]
    program = subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=output)
    assert program.stdin
    program.stdin.write(orders_as_json(orders))
    program.stdin.close()
    return program, output


def _parse_ask(line: str) -> Ask:
    user, _, sent, received, status, _, body = json.loads(line)
    reply = Reply(INFO, NO_ANSWER[status]) if status in NO_ANSWER else parse_reply(status, body)
    return Ask(user, sent, received, reply)
