"""What the front costs a claim: HAProxy, by its role's own template, before the very same granian.

With 64 at once, at the most that the site can serve, blocks go through it and past it in turn; the
same alone: one claim after another on a kept connection, as a balancer keeps it.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from coupons.campaigns.snapshot import CampaignSnapshot
from tests.bench import openings, people, programs, serving
from tests.bench.figures import Figure
from tests.bench.rounds import Pairs, interleaved, shown
from tests.bench.size import Size
from tests.front import FrontDoor, front
from tests.servers import free_port

_AT_ONCE = 64  # what granian has threads for, in `make run`
_ACCEPTED = b"HTTP/1.1 202"


def cost(folder: Path, size: Size) -> list[Figure]:
    """The share of a claim's latency that the front adds, in a crowd."""
    with programs.web(folder) as web:
        inner = urlsplit(web.url).port or 0
        door = FrontDoor("users", free_port(), inner, at_once=_AT_ONCE, paths="/api/")
        with front(folder / "front", [door]):
            alone = _alone(door, size)
            crowded = _crowded(door, folder, size)
    return [
        Figure(
            "front_cost", crowded.cost - 1,
            {
                "total_cost": crowded.total_cost - 1,
                "through_ms": 1e3 * median(crowded.ours),
                "past_ms": 1e3 * median(crowded.theirs),
                "alone_cost": alone.quiet_cost - 1,
                "alone_through_ms": 1e3 * median(alone.ours) / size.front_block,
                "alone_past_ms": 1e3 * median(alone.theirs) / size.front_block,
            },
            {"through_s": crowded.ours, "past_s": crowded.theirs},
        )
    ]  # fmt: skip


def _alone(door: FrontDoor, size: Size) -> Pairs:
    """Seconds of a block, each way."""
    claims = 2 * (size.front_rounds + 1) * size.front_block
    campaign, tokens = openings.opened("fronted", stock=claims), people.tokens_of(claims)
    with closing(_connected(door.port)) as through, closing(_connected(door.inner)) as past:
        return interleaved(
            "front_cost, alone",
            lambda: _block(through, campaign, tokens, size.front_block),
            lambda: _block(past, campaign, tokens, size.front_block),
            rounds=size.front_rounds,
        )


def _crowded(door: FrontDoor, folder: Path, size: Size) -> Pairs:
    """The mean seconds of a claim, each way, at the most that the site can serve."""
    ways = [serving.crowded(f"http://127.0.0.1:{port}", folder, seconds=size.wrk_s)
            for port in (door.inner, door.inner)]  # fmt: skip
    ways[0].url = f"http://127.0.0.1:{door.port}"
    pairs = Pairs()
    for number in shown("front_cost", size.wrk_rounds):
        order = (0, 1) if number % 2 else (1, 0)
        took = {way: serving.claims(ways[way]).mean_ms / 1e3 for way in order}
        pairs.ours.append(took[0])
        pairs.theirs.append(took[1])
    return pairs


def _connected(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _block(
    asking: socket.socket, campaign: CampaignSnapshot, tokens: Iterator[str], claims: int
) -> float:
    """Seconds that so many claims took, without the making of their tokens."""
    path, seconds = openings.path_of(campaign), 0.0
    for _ in range(claims):
        request = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n"
            f"Authorization: Bearer {next(tokens)}\r\n\r\n"
        ).encode()
        began = time.perf_counter()
        asking.sendall(request)
        heard = asking.recv(65_536)
        while not _is_whole(heard):
            heard += asking.recv(65_536)
        seconds += time.perf_counter() - began
        if not heard.startswith(_ACCEPTED):
            raise RuntimeError(f"A claim was answered {heard[:200]!r}.")
    return seconds


def _is_whole(heard: bytes) -> bool:
    head, separator, body = heard.partition(b"\r\n\r\n")
    if not separator:
        return False
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-len"))
    return len(body) >= int(length.partition(b":")[2])
