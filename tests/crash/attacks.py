"""Load of unauthenticated clients on a door, as a program:

    python -m tests.crash.attacks KIND PORT MANY SECONDS [SLUG]

    slow_bodies   announce a body and send one byte of it each second: of a login, or, with a SLUG
                  and a user's TOKEN in the environment, of a claim
    logins        post invented names and passwords to the admin's login page, one after another
    readyz        request /readyz, one after another
    reads         request lists of coupons with the users' TOKENS, and the campaign's page without
                  one, in turns

MANY at the same time, each on its own connection, for SECONDS; a closed connection is opened again.
Prints the statuses of the answers with their counts, as JSON. Sends to this machine only.
"""

import asyncio
import json
import os
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable

HOST = "127.0.0.1"
_FROM = "127.0.0.2"  # another address than the balancer's health checks
_CLAIMS = f"/api/v1/campaigns/{sys.argv[5]}/claims" if len(sys.argv) > 5 else ""
_KIND = "application/json" if _CLAIMS else "application/x-www-form-urlencoded"
Attack = Callable[[int, float, Counter[str]], Awaitable[None]]


async def slow_bodies(port: int, until: float, statuses: Counter[str]) -> None:
    reader, writer = await asyncio.open_connection(HOST, port, local_addr=(_FROM, 0))
    path, token = _CLAIMS or "/admin/login/", os.environ.get("TOKEN", "")
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: {_KIND}\r\n"
        f"Cookie: csrftoken={'a' * 32}\r\n\r\n"
    )
    writer.write(head.encode())
    try:
        while time.monotonic() < until:
            writer.write(b"a")
            await writer.drain()
            try:
                reply = await asyncio.wait_for(reader.read(4096), 1)
            except TimeoutError:
                continue
            statuses[_status_of(reply)] += 1
            return
        statuses["held"] += 1
    finally:
        writer.close()


async def logins(port: int, until: float, statuses: Counter[str]) -> None:
    token = secrets.token_hex(16)
    form = f"csrfmiddlewaretoken={token}&username={secrets.token_hex(4)}&password=guess"
    await _send_request(
        port,
        f"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nCookie: csrftoken={token}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n"
        f"Connection: close\r\n\r\n{form}",
        statuses,
    )


async def readyz(port: int, until: float, statuses: Counter[str]) -> None:
    await _send_request(
        port, "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", statuses
    )


async def reads(port: int, until: float, statuses: Counter[str]) -> None:
    token = random.choice(os.environ["TOKENS"].split())
    for path, header in (
        ("coupons", f"Authorization: Bearer {token}\r\n"),
        (f"campaigns/{sys.argv[5]}", ""),
    ):
        await _send_request(
            port,
            f"GET /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\n{header}Connection: close\r\n\r\n",
            statuses,
        )


async def _send_request(port: int, request: str, statuses: Counter[str]) -> None:
    reader, writer = await asyncio.open_connection(HOST, port, local_addr=(_FROM, 0))
    try:
        writer.write(request.encode())
        statuses[_status_of(await reader.read())] += 1
    finally:
        writer.close()


def _status_of(reply: bytes) -> str:
    return reply[9:12].decode() or "closed"


ATTACKS: dict[str, Attack] = {
    "slow_bodies": slow_bodies, "logins": logins, "readyz": readyz, "reads": reads,
}  # fmt: skip


async def _attack_until(attack: Attack, port: int, until: float, statuses: Counter[str]) -> None:
    while time.monotonic() < until:
        try:
            await attack(port, until, statuses)
        except OSError:
            statuses["refused"] += 1
            await asyncio.sleep(0.2)


async def play_attack(kind: str, port: int, many: int, seconds: float) -> Counter[str]:
    statuses: Counter[str] = Counter()
    until = time.monotonic() + seconds
    ours = [
        asyncio.ensure_future(_attack_until(ATTACKS[kind], port, until, statuses))
        for _ in range(many)
    ]
    _, late = await asyncio.wait(ours, timeout=seconds + 1)
    for one in late:  # still without an answer
        one.cancel()
        statuses["unanswered"] += 1
    return statuses


def main() -> int:
    kind, port, many, seconds = sys.argv[1:5]
    statuses = asyncio.run(play_attack(kind, int(port), int(many), float(seconds)))
    print(json.dumps(statuses))
    return 0


if __name__ == "__main__":
    sys.exit(main())
