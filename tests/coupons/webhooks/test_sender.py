"""One POST to real receivers: well-behaved, slow, dead, and speaking garbage."""

from pathlib import Path

import pytest

from coupons.webhooks import sender
from coupons.webhooks.addresses import SendingRules
from coupons.webhooks.sender import Attempt, Result, post_message
from tests.harness.servers import free_port
from tests.harness.webhook_receiver import (
    OK,
    Behaviour,
    answer,
    answer_status,
    drip,
    hang,
    webhook_receiver,
)

RULES = SendingRules(plain_http=True, loopback=True)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


def sent_to(behaviour: Behaviour, *, time_s: float = 5.0) -> Attempt:
    with webhook_receiver(behaviour) as receiver:
        return post_message(receiver.url, b"{}", {}, RULES, time_s=time_s)


def test_the_receiver_gets_the_body_the_headers_and_its_own_name() -> None:
    with webhook_receiver() as receiver:
        url = f"http://localhost:{receiver.port}/hook?shop=1"
        attempt = post_message(url, b'{"a":1}', {"webhook-id": "x"}, RULES)
    (request,) = receiver.received
    assert (attempt.result, attempt.status, attempt.answer) == (Result.DELIVERED, 204, b"")
    assert (request.path, request.body) == ("/hook?shop=1", b'{"a":1}')
    assert request.headers["host"] == f"localhost:{receiver.port}"
    assert request.headers["webhook-id"] == "x"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("coupon-webhooks/")
    assert not {"cookie", "authorization", "accept-language"} & request.headers.keys()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Result.DELIVERED), (202, Result.DELIVERED), (299, Result.DELIVERED),
        (301, Result.REDIRECTED), (302, Result.REDIRECTED), (307, Result.REDIRECTED),
        (304, Result.REDIRECTED), (400, Result.REFUSED), (404, Result.REFUSED),
        (410, Result.GONE), (429, Result.REFUSED), (500, Result.REFUSED), (600, Result.REFUSED),
    ],
)  # fmt: skip
def test_only_2xx_is_success(status: int, expected: Result) -> None:
    attempt = sent_to(answer_status(status, body=b"why"))
    assert (attempt.result, attempt.status) == (expected, status)
    assert attempt.answer == (b"" if status == 304 else b"why")


def test_a_redirect_is_not_followed() -> None:
    with webhook_receiver() as inner, webhook_receiver() as outer:
        for status in (301, 302, 303, 307, 308):
            outer.behaviour = answer_status(status, f"Location: {inner.url}")
            assert post_message(outer.url, b"{}", {}, RULES).result is Result.REDIRECTED
    assert inner.connections == 0


def test_no_proxy_and_no_netrc_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password secret\n")
    netrc.chmod(0o600)
    with webhook_receiver() as proxy, webhook_receiver() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NETRC", str(netrc))
        assert post_message(receiver.url, b"{}", {}, RULES).result is Result.DELIVERED
    assert proxy.connections == 0
    assert "authorization" not in receiver.received[0].headers


def test_cookies_are_not_kept_from_one_delivery_to_the_next() -> None:
    with webhook_receiver(answer_status(200, "Set-Cookie: a=b; Path=/")) as receiver:
        for _ in range(2):
            post_message(receiver.url, b"{}", {}, RULES)
    assert all("cookie" not in request.headers for request in receiver.received)


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (hang, Result.TIMED_OUT),
        (drip(b"HTTP/1.1 200 OK" + b"x" * 1000), Result.TIMED_OUT),
        (drip(b"X-More: of this\r\n", first=b"HTTP/1.1 200 OK\r\n"), Result.TIMED_OUT),
        (drip(b"HTTP/1.1 100 Continue\r\n\r\n", pause_s=0.001), Result.TIMED_OUT),
        (drip(b"x", first=HEAD), Result.DELIVERED),  # its status has decided
    ],
    ids=["hangs", "drips its status", "drips headers", "continues for ever", "drips its body"],
)
def test_an_attempt_ends_in_time_whatever_the_receiver_drips(
    behaviour: Behaviour, expected: Result
) -> None:
    attempt = sent_to(behaviour, time_s=0.6)
    assert attempt.result is expected
    assert attempt.duration_ms >= 500


def test_negative_control_a_timeout_of_each_read_does_not_end_a_dripping_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the deadline the receiver decides how long our thread is busy."""
    monkeypatch.setattr(sender.Deadline, "_end", lambda _: None)
    attempt = sent_to(drip(b"x", first=HEAD, pause_s=0.002), time_s=0.6)
    assert len(attempt.answer) == sender.KEPT_BYTES
    assert attempt.duration_ms > 1500


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00" * 5000,
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/1.1 20\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000,
        b"\x16\x03\x01\x02\x00\x01",
    ],
    ids=["nothing", "zeros", "ssh", "no number", "half", "many headers", "long header", "tls"],
)
def test_garbage_is_a_failure_and_no_exception(raw: bytes) -> None:
    assert sent_to(answer(raw)).result in (Result.UNREACHABLE, Result.REFUSED)


def test_at_most_a_kilobyte_of_the_answer_is_kept_and_nothing_is_unpacked() -> None:
    attempt = sent_to(answer_status(200, "Content-Encoding: gzip", body=b"\x1f\x8b" * 5000))
    assert attempt.result is Result.DELIVERED
    assert attempt.answer == (b"\x1f\x8b" * 5000)[: sender.KEPT_BYTES]
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    assert sent_to(answer(chunked)).answer == b"hello"


def test_a_port_without_a_listener_and_a_name_that_nobody_has() -> None:
    attempt = post_message(f"http://127.0.0.1:{free_port()}/", b"{}", {}, RULES)
    assert (attempt.result, attempt.status) == (Result.UNREACHABLE, None)
    unknown = post_message("https://no-such-shop.invalid-zone-of-tests/", b"{}", {}, RULES)
    assert unknown.result is Result.UNREACHABLE


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [("120", 120, 120), ("0", None, None), ("-5", None, None), ("soon", None, None),
     ("9" * 400, 86_400, 86_400), ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400, 86_400),
     ("Wed, 21 Oct 2015 07:28:00 GMT", None, None), ("١٢", None, None), ("", None, None)],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header: str, low: int | None, high: int | None) -> None:
    wait = sender._retry_after(header)
    assert (wait and wait.total_seconds()) == low == high


def test_retry_after_of_an_answer_is_heard() -> None:
    wait = sent_to(answer_status(503, "Retry-After: 7")).retry_after
    assert wait is not None
    assert wait.total_seconds() == 7


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_many_attempts_leave_no_socket_and_no_thread() -> None:
    before = open_files()
    with webhook_receiver(answer(OK)) as receiver:
        for _ in range(50):
            post_message(receiver.url, b"{}", {}, RULES)
    assert open_files() <= before + 3
