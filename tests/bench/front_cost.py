"""The response time that the front adds to a claim: HAProxy, configured by its role's template.

With 64 connections at the site's maximum load, blocks alternate between through HAProxy and
directly to the same granian; then one claim after another on a kept connection, as a load balancer
keeps it. Another hop costs at least the wake-up of one more process, so a bare HAProxy without our
rules is measured, too: what the rules add is a figure of its own.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from coupons.campaigns.snapshot import CampaignSnapshot
from tests.bench import bench_campaigns, bench_users, http_rate, product_processes
from tests.bench.figures import Figure
from tests.bench.paired_rounds import Pairs, interleave_blocks, with_progress
from tests.bench.sample_sizes import Size
from tests.harness.front import API_PATHS, FrontDoor, haproxy_command, start_front
from tests.harness.servers import free_port, is_listening, start_process

_AT_ONCE = 64  # what granian has threads for, in `make run`
_ACCEPTED = b"HTTP/1.1 202"


def measure_front_cost(folder: Path, size: Size) -> list[Figure]:
    """The share of a claim's latency that the front adds, with many connections."""
    with product_processes.run_web(folder) as web:
        inner = urlsplit(web.url).port or 0
        door = FrontDoor("users", free_port(), inner, at_once=_AT_ONCE, paths=API_PATHS)
        with start_front(folder / "front", [door]), _bare(folder / "bare", inner) as bare_port:
            alone = _alone("front_cost, alone", door.port, inner, size)
            rules = _alone("front_rules_cost", door.port, bare_port, size)
            crowded = _crowded(door, folder, size)
    return [
        Figure(
            "front_cost", crowded.median_cost - 1,
            {
                "total_cost": crowded.total_cost - 1,
                "through_ms": 1e3 * median(crowded.ours),
                "past_ms": 1e3 * median(crowded.theirs),
                "alone_cost": alone.quiet_cost - 1,
                "alone_through_ms": 1e3 * median(alone.ours) / size.front_block,
                "alone_past_ms": 1e3 * median(alone.theirs) / size.front_block,
            },
            {"through_s": crowded.ours, "past_s": crowded.theirs},
        ),
        Figure(
            "front_rules_cost", rules.median_cost - 1,
            {
                "total_cost": rules.total_cost - 1, "quiet_cost": rules.quiet_cost - 1,
                "with_rules_ms": 1e3 * median(rules.ours) / size.front_block,
                "bare_ms": 1e3 * median(rules.theirs) / size.front_block,
            },
            {"with_rules_s": rules.ours, "bare_s": rules.theirs},
        ),
    ]  # fmt: skip


@contextmanager
def _bare(folder: Path, inner: int) -> Iterator[int]:
    """HAProxy without our rules in front of granian. Yields its port."""
    port, configuration = free_port(), folder / "haproxy.cfg"
    folder.mkdir()
    configuration.write_text(
        "global\n  nbthread 1\ndefaults\n  mode http\n  timeout client 30s\n  timeout connect 5s\n"
        f"  timeout server 30s\n  http-reuse always\nlisten users\n  bind 127.0.0.1:{port}\n"
        f"  server web 127.0.0.1:{inner} maxconn {_AT_ONCE} pool-max-conn -1\n"
    )
    log = folder / "haproxy.log"
    with start_process(haproxy_command(configuration), ready=lambda: is_listening(port), log=log):
        yield port


def _alone(name: str, ours: int, theirs: int, size: Size) -> Pairs:
    """Seconds per block, through each of the two ports."""
    claims = 2 * (size.front_rounds + 1) * size.front_block
    campaign = bench_campaigns.open_campaign(f"fronted-{theirs}", stock=claims)
    tokens = bench_users.make_tokens(claims)
    with closing(_connected(ours)) as through, closing(_connected(theirs)) as past:
        return interleave_blocks(
            name,
            lambda: _block(through, campaign, tokens, size.front_block),
            lambda: _block(past, campaign, tokens, size.front_block),
            rounds=size.front_rounds,
        )


def _crowded(door: FrontDoor, folder: Path, size: Size) -> Pairs:
    """The mean seconds of a claim, each way, at the site's maximum load."""
    ways = [http_rate.prepare_site(f"http://127.0.0.1:{port}", folder, seconds=size.wrk_s)
            for port in (door.inner, door.inner)]  # fmt: skip
    ways[0].url = f"http://127.0.0.1:{door.port}"
    pairs = Pairs()
    for number in with_progress("front_cost", size.wrk_rounds):
        order = (0, 1) if number % 2 else (1, 0)
        took = {way: http_rate.measure_claims(ways[way]).mean_ms / 1e3 for way in order}
        pairs.ours.append(took[0])
        pairs.theirs.append(took[1])
    return pairs


def _connected(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _block(
    connection: socket.socket, campaign: CampaignSnapshot, tokens: Iterator[str], claims: int
) -> float:
    """Seconds that these claims took, without creating their tokens."""
    path, seconds = bench_campaigns.claims_path(campaign), 0.0
    for _ in range(claims):
        request = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n"
            f"Authorization: Bearer {next(tokens)}\r\n\r\n"
        ).encode()
        began = time.perf_counter()
        connection.sendall(request)
        response = connection.recv(65_536)
        while not _is_whole(response):
            response += connection.recv(65_536)
        seconds += time.perf_counter() - began
        if not response.startswith(_ACCEPTED):
            raise RuntimeError(f"A claim was answered {response[:200]!r}.")
    return seconds


def _is_whole(response: bytes) -> bool:
    head, separator, body = response.partition(b"\r\n\r\n")
    if not separator:
        return False
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-len"))
    return len(body) >= int(length.partition(b":")[2])
