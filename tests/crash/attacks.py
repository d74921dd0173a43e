"""Load of unauthenticated clients on a door, as a program:

    python -m tests.crash.attacks KIND PORT MANY SECONDS [SLUG]

    slow_bodies   announce a body and send one byte of it each second: of a login, or, with a SLUG
                  and a user's TOKEN in the environment, of a claim
    logins        post invented names and passwords to the admin's login page, one after another
    readyz        request /readyz, one after another

MANY at the same time, each on its own connection, for SECONDS; a closed connection is opened again.
Prints the statuses of the answers with their counts, as JSON. Sends to this machine only.
"""

import asyncio
import json
import os
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


async def slow_bodies(port: int, until: float, told: Counter[str]) -> None:
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
                heard = await asyncio.wait_for(reader.read(4096), 1)
            except TimeoutError:
                continue
            told[_status(heard)] += 1
            return
        told["held"] += 1
    finally:
        writer.close()


async def logins(port: int, until: float, told: Counter[str]) -> None:
    token = secrets.token_hex(16)
    form = f"csrfmiddlewaretoken={token}&username={secrets.token_hex(4)}&password=guess"
    await _ask(
        port,
        f"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nCookie: csrftoken={token}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n"
        f"Connection: close\r\n\r\n{form}",
        told,
    )


async def readyz(port: int, until: float, told: Counter[str]) -> None:
    await _ask(port, "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", told)


async def _ask(port: int, request: str, told: Counter[str]) -> None:
    reader, writer = await asyncio.open_connection(HOST, port, local_addr=(_FROM, 0))
    try:
        writer.write(request.encode())
        told[_status(await reader.read())] += 1
    finally:
        writer.close()


def _status(heard: bytes) -> str:
    return heard[9:12].decode() or "closed"


ATTACKS: dict[str, Attack] = {"slow_bodies": slow_bodies, "logins": logins, "readyz": readyz}


async def _one(attack: Attack, port: int, until: float, told: Counter[str]) -> None:
    while time.monotonic() < until:
        try:
            await attack(port, until, told)
        except OSError:
            told["refused"] += 1
            await asyncio.sleep(0.2)


async def play_attack(kind: str, port: int, many: int, seconds: float) -> Counter[str]:
    told: Counter[str] = Counter()
    until = time.monotonic() + seconds
    ours = [asyncio.ensure_future(_one(ATTACKS[kind], port, until, told)) for _ in range(many)]
    _, late = await asyncio.wait(ours, timeout=seconds + 1)
    for one in late:  # still without an answer
        one.cancel()
        told["unanswered"] += 1
    return told


def main() -> int:
    kind, port, many, seconds = sys.argv[1:5]
    told = asyncio.run(play_attack(kind, int(port), int(many), float(seconds)))
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
