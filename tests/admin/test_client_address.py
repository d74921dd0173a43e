"""13.4: the client's address is the one that our proxy adds, never one that the client sends."""

import pytest
from django.test import RequestFactory

from coupons.audit.client_address import client_network


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", None, "198.51.100.7"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),  # not through a proxy of ours
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("::1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "192.0.2.1, 203.0.113.9", "203.0.113.9"),  # the first was sent by the client
        ("127.0.0.1", "203.0.113.9, 127.0.0.1", "203.0.113.9"),  # two proxies of ours
        ("127.0.0.1", "203.0.113.9, 127.0.0.1, 127.0.0.2", "203.0.113.9"),
        ("127.0.0.1", "203.0.113.9, nonsense", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", ",,,", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "[2001:db8::1]:443", "2001:db8::/64"),
        ("127.0.0.1", "2001:db8:0:0:1:2:3:4", "2001:db8::/64"),
        ("127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", None, "fe80::/64"),
        ("", None, "unknown"),
        ("unix:", "203.0.113.9", "unknown"),
    ],
)
def test_13_4_whom_a_request_is_from(peer: str, forwarded: str | None, client: str) -> None:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers)
    assert client_network(request) == client


def test_a_call_that_is_no_request_is_from_nowhere() -> None:
    assert client_network(None) == "unknown"
