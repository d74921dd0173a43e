"""The synthetic crowd: people with signed tokens who claim over HTTP, as many a second as planned.

An open workload: each person has a moment at which to ask, and the latency counts from that moment,
so that a site that stalls can't hide the waiting. The seats (connections) bound what is in flight.
"""

import asyncio
import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coupons.rehearsal.claim_connection import ClaimConnection, NoAnswer
from coupons.rehearsal.tally import NO_ANSWER, TOLD, Tally
from coupons.rehearsal.tokens import CrowdTokens

SEATS = 200  # requests in flight at once
TRIES = 2  # of a person who got no answer: asking again is safe, and tells whether it was admitted
_ASK_RATE_S = 0.5


@dataclass(frozen=True, slots=True)
class Slice:
    """People `first` to `first + count - 1` of a crowd; the first asks at `second` seconds after
    the crowd's beginning. After `time_s` no further person asks: the next slice begins with them.
    """

    urls: tuple[str, ...]
    slug: str
    first: int
    count: int
    second: int
    segments: tuple[str, ...]
    time_s: float = 5.0


class Pace:
    """The moments at which people ask: `rate()` a second. When the rate changes, nobody makes up
    for the time before."""

    def __init__(self, rate: Callable[[], float]) -> None:
        self._rate, self._per_second = rate, 0.0
        self._next_s = time.monotonic()

    async def follow(self) -> None:
        """Ask for the rate twice a second, until cancelled."""
        while True:
            per_second = await asyncio.to_thread(self._rate)
            if per_second != self._per_second:
                self._per_second = per_second
                self._next_s = max(self._next_s, time.monotonic())
            await asyncio.sleep(_ASK_RATE_S)

    async def next_moment(self, until_s: float) -> float | None:
        """The moment of the next person (monotonic seconds), which may be to come; None: it would
        be after `until_s`."""
        while not self._per_second:
            await asyncio.sleep(0.02)
        due = self._next_s
        if max(due, time.monotonic()) >= until_s:
            return None
        self._next_s = due + 1 / self._per_second
        return due


def play_slice(part: Slice, rate: Callable[[], float], *, seats: int = SEATS) -> Tally:
    """Let these people claim, `rate()` of them a second; blocks until all are answered."""
    return asyncio.run(_Playing(part, Pace(rate)).play(seats))


class _Playing:
    def __init__(self, part: Slice, pace: Pace) -> None:
        self._part, self._pace, self._tally = part, pace, Tally()
        self._numbers = iter(range(part.first, part.first + part.count))
        self._tokens = CrowdTokens(part.segments)
        self._urls = itertools.cycle(part.urls)
        self._began_s = time.monotonic()
        self._until_s = self._began_s + part.time_s
        self._first_s = math.inf  # when the first person was to ask

    async def play(self, seats: int) -> Tally:
        following = asyncio.create_task(self._pace.follow())
        try:
            count = min(seats, self._part.count)
            await asyncio.gather(*(self._sit(next(self._urls)) for _ in range(count)))
        finally:
            following.cancel()
        return self._tally

    async def _sit(self, url: str) -> None:
        connection = ClaimConnection(url, self._part.slug)
        try:
            while (due_s := await self._pace.next_moment(self._until_s)) is not None:
                if (number := next(self._numbers, None)) is None:
                    break  # without waiting for the moment of nobody: the slice is over
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                user = f"{self._part.slug}-{number}"
                token = self._tokens.sign_token(user)
                await self._ask(connection, user, token, due_s)
        finally:
            connection.close()

    async def _ask(self, connection: ClaimConnection, user: str, token: str, due_s: float) -> None:
        outcome, detail = NO_ANSWER, ""
        body: dict[str, Any] = {}
        for _ in range(TRIES):
            try:
                outcome, body = await connection.claim(token)
                detail = "" if outcome in TOLD else str(body.get("detail", ""))[:300]
                break
            except NoAnswer as failure:
                detail = str(failure)
        now_s = time.monotonic()
        self._first_s = min(self._first_s, due_s)
        self._tally.span_s = max(self._tally.span_s, now_s - self._first_s)
        second = int(self._part.second + due_s - self._began_s)
        latency_ms = 1000 * (now_s - due_s)
        self._tally.add_answer(outcome, detail, latency_ms=latency_ms, second=second)
        if outcome == NO_ANSWER:
            self._tally.lost += 1
        elif outcome in TOLD and body.get("place"):
            code = str(body.get("code", "")).replace("-", "")
            self._tally.add_told(user, int(body["place"]), code)
