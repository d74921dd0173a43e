"""The sender itself refuses every address that is not public, however it is written."""

import socket
import threading
from ipaddress import ip_address
from typing import Any

import pytest

from coupons.webhooks import sender
from coupons.webhooks.addresses import (
    AddressRefused,
    SendingRules,
    demand_public,
    parse_target,
    rules_of_settings,
)
from coupons.webhooks.sender import Result
from tests.conftest import Settings

STRICT = SendingRules()
PLAIN = SendingRules(plain_http=True)
TRICKS = [
    # loopback, in all forms that some program reads
    "https://127.0.0.1/", "https://127.8.9.10/", "https://127.1/", "https://2130706433/",
    "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://017700000001/",
    "https://127.0.0.1./", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/", "https://[::127.0.0.1]/", "https://0.0.0.0/", "https://0/",
    "https://[::]/", "https://localhost/", "https://LOCALHOST/", "https://localhost./",
    "https://shop.localhost/", "https://①②⑦.⓪.⓪.①/", "https://%31%32%37.0.0.1/",
    # private, link-local, carriers' and translated networks
    "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://169.254.169.254/",
    "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[fc00::1]/",
    "https://[fd00:ec2::254]/", "https://[fec0::1]/", "https://100.64.0.1/",
    "https://100.100.100.200/", "https://192.0.0.192/", "https://168.63.129.16/",
    "https://[64:ff9b::a9fe:a9fe]/", "https://[64:ff9b:1::7f00:1]/", "https://[2002:7f00:1::]/",
    "https://[2001:0:a00:1::]/", "https://[2001:db8::1]/", "https://[3fff::1]/",
    "https://[100::1]/", "https://198.18.0.1/", "https://192.0.2.1/", "https://192.88.99.1/",
    # multicast, reserved, broadcast
    "https://224.0.0.1/", "https://[ff02::1]/", "https://240.0.0.1/", "https://255.255.255.255/",
    # metadata by name, names of inner networks
    "https://metadata.google.internal/", "https://metadata/", "https://redis/",
    "https://redis.local/", "https://db.corp/", "https://router.home.arpa/",
    # user information, other schemes, ports of services
    "https://shop.example@127.0.0.1/", "https://user:secret@shop.example/",
    "https://127.0.0.1#@shop.example/", "https://shop.example\\@127.0.0.1/", "http://shop.example/",
    "ftp://shop.example/", "file:///etc/passwd", "gopher://shop.example/_SET",
    "//shop.example/",
    "https://shop.example:22/", "https://shop.example:6379/", "https://shop.example:99999/",
    "https://shop.example:0/", "https:///hook", "https://", "",
    # two programs could read these differently
    "https://shop.example /", "https://shop.example/\r\nX: y", "https://shop.example\t/",
    " https://shop.example/", "https://shop.example/#part", "https://-shop.example/",
    "https://shop..example/", "https://[::1/", "https://" + "a" * 2000 + ".example/",
]  # fmt: skip


@pytest.mark.parametrize("url", TRICKS)
def test_the_sender_refuses_the_address_and_dials_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = socket.socket.connect
    others = set(threading.enumerate()) - {threading.current_thread()}

    def dialled(one: socket.socket, address: Any) -> None:
        if threading.current_thread() in others:  # of an earlier test, to its own address
            return connect(one, address)
        pytest.fail("it was dialled")

    monkeypatch.setattr(socket.socket, "connect", dialled)
    attempt = sender.post_message(url, b"{}", {}, STRICT)
    assert (attempt.result, attempt.status) == (Result.FORBIDDEN, None)


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hook", "https://shop.example:443/hook?a=b&c", "https://8.8.8.8/",
        "https://[2606:4700::1111]:8443/x", "https://SHOP.example", "https://xn--bcher-kva.example/",
        "https://a_b.shop.example:4443/",
    ],
)  # fmt: skip
def test_public_addresses_are_accepted(url: str) -> None:
    assert parse_target(url, STRICT).scheme == "https"


@pytest.mark.parametrize(
    ("url", "netloc", "path"),
    [
        ("https://Shop.example", "shop.example", "/"),
        ("https://shop.example:8443/h?x=1", "shop.example:8443", "/h?x=1"),
        ("https://[2606:4700::1111]/h", "[2606:4700::1111]", "/h"),
    ],
)
def test_a_target_is_what_the_receiver_shall_see(url: str, netloc: str, path: str) -> None:
    target = parse_target(url, STRICT)
    assert (target.netloc, target.path) == (netloc, path)


def test_loopback_and_plain_http_are_allowed_on_request_only(settings: Settings) -> None:
    laptop = SendingRules(plain_http=True, loopback=True)
    for url in ("http://127.0.0.1:9000/", "http://localhost:9000/", "http://[::1]:9000/"):
        parse_target(url, laptop)
        with pytest.raises(AddressRefused):
            parse_target(url, PLAIN)
    with pytest.raises(AddressRefused):
        parse_target("http://10.0.0.1/", laptop)
    assert rules_of_settings() == laptop  # of the other tests here
    settings.WEBHOOKS_LOOPBACK = settings.WEBHOOKS_PLAIN_HTTP = False
    assert rules_of_settings() == STRICT


def test_negative_control_python_alone_calls_some_of_them_public() -> None:
    """The extra networks are needed: without them these would be dialled."""
    for text in ("168.63.129.16", "2002:7f00:1::", "64:ff9b::7f00:1"):
        with pytest.raises(AddressRefused):
            demand_public(ip_address(text), STRICT)
    assert ip_address("168.63.129.16").is_global
    assert ip_address("64:ff9b::7f00:1").is_global
