"""`python -m tests.bench.steady_checkout URL KEY FILE`: a shop that redeems PER_S coupons a second,
by the codes of FILE, until it is ended or the codes are used up. Exit status 1 if one is refused.

A program of its own, so that it shares no interpreter with what is measured beside it.
"""

import asyncio
import sys
import time
from itertools import count
from pathlib import Path

import aiohttp

PER_S = 200
TRIES = 10


async def redeem_steadily(url: str, key: str, codes: list[str]) -> None:
    headers = {"Authorization": f"Api-Key {key}"}
    connector = aiohttp.TCPConnector(limit=64)
    async with aiohttp.ClientSession(url, headers=headers, connector=connector) as session:
        begin = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number, code in zip(count(), codes, strict=False):
                await asyncio.sleep(begin + number / PER_S - time.perf_counter())
                group.create_task(_redeem(session, code))


async def _redeem(session: aiohttp.ClientSession, code: str) -> None:
    body = {"code": code, "order_ref": f"o-{code}", "subtotal": "20000", "currency": "KRW"}
    for _ in range(TRIES):
        async with session.post("/api/v1/merchant/redemptions", json=body) as answer:
            text = await answer.text()
        if answer.status != 503:
            break
        await asyncio.sleep(0.1)  # as the answer says: asking again is safe
    if answer.status not in (200, 201):
        raise RuntimeError(f"refused with {answer.status}: {text}")


if __name__ == "__main__":
    asyncio.run(redeem_steadily(sys.argv[1], sys.argv[2], Path(sys.argv[3]).read_text().split()))
