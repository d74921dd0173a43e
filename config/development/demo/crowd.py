"""The crowd: many users claim one campaign's coupons over HTTP; every answer is recorded.

`python -m config.development.demo.crowd PLAN.json` plays one plan and writes the answers beside
it. A closed workload: `connections` users are served at any moment, the others wait in a queue. Or
an open one (`per_second`), for what must not be noticed by users, such as a release.
"""

import asyncio
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from yarl import URL

from config.development.demo.verdict import AGAIN, Answer

_TIMEOUT_S = 10
_PAUSE_S = 0.05  # before the same user asks again
_REPORT_EVERY_S = 0.1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
READY = "ready"  # first line of standard output; the others are the number of asks answered so far


@dataclass(frozen=True, slots=True)
class Plan:
    """`asks` are (user, number of the ask, token). Times are seconds of this machine's clock.

    An open workload starts `per_second` asks a second, answered or not, until all are started or
    the file `until` exists; each is asked once, whatever its answer.
    """

    campaign_url: str
    starts_at: float
    gives_up_at: float
    connections: int
    asks: list[tuple[str, int, str]]
    per_second: float = 0.0  # 0: a closed workload
    until: str = ""


def asks_of(
    people: list[tuple[str, str]], *, impatient: float, seed: int
) -> list[tuple[str, int, str]]:
    """The queue of asks. `people` are (user, token); each asks once, in random order, and the share
    `impatient` of them asks again soon after."""
    generator = random.Random(seed)
    queue = [
        (float(at), user, 1, token) for at, (user, token) in enumerate(_shuffled(people, generator))
    ]
    repeated = generator.sample(queue, round(len(queue) * impatient))
    queue += [(at + generator.uniform(0, 100), user, 2, token) for at, user, _, token in repeated]
    return [(user, number, token) for _, user, number, token in sorted(queue)]


def _shuffled(people: list[tuple[str, str]], generator: random.Random) -> list[tuple[str, str]]:
    return generator.sample(people, len(people))


async def play_plan(plan: Plan) -> list[Answer]:
    return await (_play_open(plan) if plan.per_second else _play_closed(plan))


async def _play_open(plan: Plan) -> list[Answer]:
    url, until = URL(f"{plan.campaign_url}/claims"), Path(plan.until)
    asking: list[asyncio.Task[Answer]] = []
    async with _session_of(plan.connections) as session:
        for user, number, token in plan.asks:
            if until.exists():
                break
            asking.append(asyncio.create_task(_ask_once(session, url, user, number, token)))
            await asyncio.sleep(1 / plan.per_second)
        return list(await asyncio.gather(*asking))


async def _play_closed(plan: Plan) -> list[Answer]:
    answers: list[Answer] = []
    queue = iter(plan.asks)
    done = [0]
    async with _session_of(plan.connections) as session:
        await asyncio.gather(*(_open_page(session, plan) for _ in range(plan.connections)))
        print(READY, flush=True)
        reporting = asyncio.create_task(_report_progress(done))
        await asyncio.sleep(max(0.0, plan.starts_at - time.time()))
        await asyncio.gather(
            *(_serve(session, plan, queue, answers, done) for _ in range(plan.connections))
        )
        reporting.cancel()
    print(done[0], flush=True)
    return answers


def _session_of(connections: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=60),
        timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def _open_page(session: aiohttp.ClientSession, plan: Plan) -> None:
    """Requests the campaign's page, as users who wait for the opening do. Opens the connection."""
    async with session.get(plan.campaign_url) as response:
        await response.read()


async def _report_progress(done: list[int]) -> None:
    while True:
        print(done[0], flush=True)
        await asyncio.sleep(_REPORT_EVERY_S)


async def _serve(
    session: aiohttp.ClientSession,
    plan: Plan,
    queue: Iterator[tuple[str, int, str]],
    answers: list[Answer],
    done: list[int],
) -> None:
    """One connection: the next user of the queue asks until the answer is final (not in AGAIN) or
    `gives_up_at` is over."""
    url = URL(f"{plan.campaign_url}/claims")
    for user, number, token in queue:
        while True:
            answer = await _ask_once(session, url, user, number, token)
            answers.append(answer)
            if answer.outcome not in AGAIN or time.time() > plan.gives_up_at:
                break
            await asyncio.sleep(_PAUSE_S * random.uniform(0.5, 1.5))
        done[0] += 1


async def _ask_once(
    session: aiohttp.ClientSession, url: URL, user: str, number: int, token: str
) -> Answer:
    sent_at, began = time.time(), time.perf_counter()
    status, outcome, body = await _post_claim(session, url, {"Authorization": f"Bearer {token}"})
    return Answer(
        user=user,
        ask=number,
        status=status,
        outcome=outcome,
        place=body.get("place", 0),
        code=body.get("code", "") if body.get("place") else "",
        receipt=body.get("receipt", ""),
        admitted_ms=_milliseconds(body.get("admitted_at")),
        sent_at=sent_at,
        latency_ms=(time.perf_counter() - began) * 1000,
    )


async def _post_claim(
    session: aiohttp.ClientSession, url: URL, headers: dict[str, str]
) -> tuple[int, str, dict[str, Any]]:
    """Status, outcome and body; a refusal's outcome is its problem's code."""
    try:
        async with session.post(url, headers=headers) as response:
            body = orjson.loads(await response.read())
            outcome = response.headers.get("Coupon-Outcome") or body.get("code", "")
            return response.status, outcome, body
    except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError):
        return 0, "no_answer", {}


def _milliseconds(timestamp: str | None) -> int:
    return (datetime.fromisoformat(timestamp) - _EPOCH) // _MILLISECOND if timestamp else 0


def answers_of(plan: Path) -> Path:
    """The file for the answers to this plan."""
    return plan.with_suffix(".answers")


def main(path: Path) -> None:
    fields = orjson.loads(path.read_bytes())
    answers = asyncio.run(play_plan(Plan(**fields)))
    answers_of(path).write_bytes(orjson.dumps([asdict(answer) for answer in answers]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
