"""The API over a real socket, served as in production: faults that only a raw client can send."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from config.development.process import commands
from coupons.identity import user_tokens
from coupons.store import store
from tests.conftest import CampaignMaker
from tests.harness.servers import free_port, start_process

pytestmark = pytest.mark.slow

PATIENCE_S = 60


def _livez(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@pytest.fixture
def granian_port(child_environment: dict[str, str], tmp_path: Path) -> Iterator[int]:
    """The port of a granian with one worker on this test's database and Redis."""
    port = free_port()
    command, log = commands.granian_command(port, "--blocking-threads", "4"), tmp_path / "web.log"
    with start_process(command, ready=lambda: _livez(port), log=log, env=child_environment):
        yield port


def exchange_bytes(port: int, request: bytes, *, ends: bool = False) -> tuple[int, bytes]:
    """Status and body of the first answer. `ends`: close the sending side after the request."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as wire:
        with suppress(OSError):  # the server may answer and hang up before it has read all
            wire.sendall(request)
        if ends:
            wire.shutdown(socket.SHUT_WR)
        return _answer(wire)


def _answer(wire: socket.socket) -> tuple[int, bytes]:
    got = b""
    while b"\r\n\r\n" not in got:
        more = wire.recv(65536)
        if not more:
            raise ConnectionError("no answer")
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    size = next(
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    while len(body) < size:
        body += wire.recv(65536)
    return int(head.split(b" ", 2)[1]), body[:size]


def send_raw_claim(
    port: int, *headers: bytes, body: bytes = b"", ends: bool = False
) -> tuple[int, bytes]:
    lines = [
        b"POST /api/v1/campaigns/sale/claims HTTP/1.1",
        b"Host: shop",
        b"Authorization: Bearer " + user_tokens.mint_token("jun").encode(),
        b"Content-Type: application/json",
        *headers,
    ]
    return exchange_bytes(port, b"\r\n".join(lines) + b"\r\n\r\n" + body, ends=ends)


def status_and_code(answer: tuple[int, bytes]) -> tuple[int, str]:
    return answer[0], json.loads(answer[1])["code"]


def test_what_a_raw_client_sends_wrong_is_refused_and_takes_no_place(
    open_campaign: CampaignMaker, granian_port: int
) -> None:
    open_campaign(per_user=9)
    chunked = b'a\r\n{"nth": 2}\r\n0\r\n\r\n'
    chunks = send_raw_claim(granian_port, b"Transfer-Encoding: chunked", body=chunked)
    assert status_and_code(chunks) == (411, "length_required")
    both = send_raw_claim(
        granian_port, b"Transfer-Encoding: chunked", b"Content-Length: 10", body=chunked
    )
    assert both[0] in (400, 411)
    cut_off = send_raw_claim(granian_port, b"Content-Length: 100", body=b'{"nth": 2}', ends=True)
    assert status_and_code(cut_off) == (400, "bad_input")
    longer = send_raw_claim(granian_port, b"Content-Length: 5", body=b'{"nth": 2}')
    assert status_and_code(longer) == (400, "bad_input")
    for length in (b"-5", b"abc", b"1e1", b"9" * 30):
        assert send_raw_claim(granian_port, b"Content-Length: " + length, body=b"{}")[0] == 400
    for size in (5_000, 1_000_000, 5_000_000):
        large = send_raw_claim(granian_port, b"Content-Length: %d" % size, body=b"x" * size)
        assert status_and_code(large) == (413, "body_too_large")
    assert store().campaigns.gate("sale").admitted == 0


def test_odd_headers_do_no_harm(open_campaign: CampaignMaker, granian_port: int) -> None:
    open_campaign()
    assert (
        send_raw_claim(
            granian_port, b"X-Odd: \xff\xfe\x80", b"X-Forwarded-For: " + b"1.2.3.4, " * 20
        )[0]
        == 202
    )
    assert (
        send_raw_claim(granian_port, b"X-HTTP-Method-Override: GET", b"Cookie: \xff=;;=\x80")[0]
        == 200
    )
    assert send_raw_claim(granian_port, b"Idempotency-Key: " + b"k" * 300)[0] == 200
    assert send_raw_claim(granian_port, b"X-Large: " + b"x" * 2_000_000)[0] in (400, 431)
    assert store().campaigns.gate("sale").admitted == 1


def test_a_client_that_hangs_up_at_once_finds_its_claim_when_it_asks_again(
    open_campaign: CampaignMaker, granian_port: int
) -> None:
    open_campaign()
    head = (
        b"POST /api/v1/campaigns/sale/claims HTTP/1.1\r\nHost: shop\r\n"
        b"Authorization: Bearer " + user_tokens.mint_token("jun").encode() + b"\r\n\r\n"
    )
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", granian_port)) as wire:
            wire.sendall(head)
    answers = {send_raw_claim(granian_port)[1] for _ in range(3)}
    assert len(answers) == 1
    assert store().campaigns.gate("sale").admitted == 1


def test_clients_that_never_end_their_request_block_no_others(
    open_campaign: CampaignMaker, granian_port: int
) -> None:
    """Half a head of each: many more than there are threads."""
    open_campaign()
    half_a_head = b"POST /api/v1/campaigns/sale/claims HTTP/1.1\r\nHost: shop\r\nX-Slow: "
    with ExitStack() as slow:
        for _ in range(200):
            address = ("127.0.0.1", granian_port)
            wire = slow.enter_context(socket.create_connection(address, PATIENCE_S))
            wire.sendall(half_a_head)
        assert send_raw_claim(granian_port)[0] == 202
