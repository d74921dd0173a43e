"""The board's line about the users' certificate: from a file, and from a server."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from coupons.models import Campaign
from coupons.readiness.certificate import certificate_line
from coupons.readiness.result import Light
from tests.conftest import Settings
from tests.rehearsal.certificates import Authority

Draft = Callable[..., Campaign]


@pytest.fixture
def trusted_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """A certificate authority that this process trusts."""
    made = Authority(tmp_path / "authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


@pytest.fixture
def scheduled_sale(draft: Draft) -> Campaign:
    opens = timezone.now() + timedelta(days=3)
    return draft("sale", opens_at=opens, closes_at=opens + timedelta(days=2))


@pytest.mark.parametrize(
    ("days", "light"),
    [
        (90.5, Light.GREEN),
        (10.5, Light.AMBER),  # ends after the sale, but should have been renewed
        (4.5, Light.AMBER),  # ends within the sale
        (3.5, Light.RED),  # ends on the day of the opening
        (-0.5, Light.RED),
    ],
)
def test_a_file_by_its_days(
    days: float,
    light: Light,
    scheduled_sale: Campaign,
    trusted_authority: Authority,
    settings: Settings,
) -> None:
    settings.SITE_CERTIFICATE = str(trusted_authority.sign("shop.example", days=days)[0])
    line = certificate_line(scheduled_sale)
    assert line.light is light, line.seen
    assert f"{days // 1:.0f} more days" in line.seen
    assert bool(line.do) is (light is not Light.GREEN)


def test_none_is_grey_and_blocks_nothing(scheduled_sale: Campaign, settings: Settings) -> None:
    settings.SITE_CERTIFICATE = ""
    assert certificate_line(scheduled_sale).light is Light.GREY


HTTPS = "https://shop.example/"


@pytest.mark.parametrize(
    ("where", "redirects", "plain_http", "light"),
    [
        ("", True, "", Light.RED),
        ("", False, "", Light.RED),
        (HTTPS, False, "", Light.RED),
        ("http://shop.example/", True, "", Light.RED),
        ("", False, "for trying out", Light.AMBER),
        (HTTPS, False, "for trying out", Light.AMBER),
    ],
)
def test_13_5_in_production_a_site_without_tls_is_red_unless_it_is_for_trying_out(
    where: str,
    redirects: bool,
    plain_http: str,
    light: Light,
    scheduled_sale: Campaign,
    settings: Settings,
) -> None:
    settings.PRODUCTION, settings.SITE_CERTIFICATE = True, where
    settings.USERS_ARE_REDIRECTED, settings.PLAIN_HTTP = redirects, plain_http
    line = certificate_line(scheduled_sale)
    assert line.light is light, line.seen
    assert line.do


def test_13_5_in_production_a_good_certificate_is_green(
    scheduled_sale: Campaign, trusted_authority: Authority, settings: Settings
) -> None:
    settings.PRODUCTION = settings.USERS_ARE_REDIRECTED = True
    settings.SITE_CERTIFICATE = str(trusted_authority.sign("shop.example", days=90)[0])
    assert certificate_line(scheduled_sale).light is Light.GREEN


def _speak_plain_http(listener: socket.socket) -> None:
    client, _ = listener.accept()
    with client:
        client.recv(4096)
        client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def test_13_5_a_server_that_answers_without_tls_is_red(
    scheduled_sale: Campaign, settings: Settings
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_speak_plain_http, args=(listener,), daemon=True).start()
        settings.SITE_CERTIFICATE = f"https://127.0.0.1:{listener.getsockname()[1]}"
        line = certificate_line(scheduled_sale)
    assert line.light is Light.RED, line.seen


@pytest.fixture
def serve_certificate(trusted_authority: Authority) -> Iterator[Callable[..., int]]:
    """Call it with a name: starts a server with a certificate for it, and returns its port."""
    listeners: list[socket.socket] = []

    def start_server(name: str, *, days: float, by: Authority = trusted_authority) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*by.sign(name, days=days))
        listeners.append(socket.create_server(("127.0.0.1", 0)))
        threading.Thread(target=_shake_hands, args=(listeners[-1], context), daemon=True).start()
        return int(listeners[-1].getsockname()[1])

    yield start_server
    for listener in listeners:
        listener.close()


def _shake_hands(listener: socket.socket, context: ssl.SSLContext) -> None:
    client, _ = listener.accept()
    try:
        context.wrap_socket(client, server_side=True).close()
    except OSError:
        client.close()


@pytest.mark.parametrize(
    ("name", "days", "light"),
    [
        ("localhost", 90, Light.GREEN),
        ("localhost", 10, Light.AMBER),
        ("localhost", -0.5, Light.RED),  # expired
        ("shop.example", 90, Light.RED),  # another's
    ],
)
def test_a_server_as_a_client_sees_it(
    name: str, days: float, light: Light, scheduled_sale: Campaign,
    serve_certificate: Callable[..., int], settings: Settings,
) -> None:  # fmt: skip
    settings.SITE_CERTIFICATE = f"https://localhost:{serve_certificate(name, days=days)}/"
    line = certificate_line(scheduled_sale)
    assert line.light is light, line.seen


def test_a_certificate_that_browsers_accept_is_green_on_every_python(
    scheduled_sale: Campaign, serve_certificate: Callable[..., int], settings: Settings,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """From 3.13 on Python requires extensions that no browser does."""
    old = Authority(tmp_path / "old", identifiers=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(old.file))
    make_context = ssl.create_default_context

    def make_strict_context() -> ssl.SSLContext:
        context = make_context()
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", make_strict_context)
    port = serve_certificate("localhost", days=90, by=old)
    settings.SITE_CERTIFICATE = f"https://localhost:{port}/"
    line = certificate_line(scheduled_sale)
    assert line.light is Light.GREEN, line.seen


def test_a_certificate_of_an_unknown_authority_is_red(
    scheduled_sale: Campaign,
    serve_certificate: Callable[..., int],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.SITE_CERTIFICATE = f"https://localhost:{serve_certificate('localhost', days=90)}"
    monkeypatch.delenv("SSL_CERT_FILE")
    assert certificate_line(scheduled_sale).light is Light.RED


@pytest.mark.parametrize("where", ["https://127.0.0.1:1", "https://nowhere.invalid", "no/file.pem"])
def test_what_can_not_be_read_is_amber(
    where: str, scheduled_sale: Campaign, settings: Settings
) -> None:
    settings.SITE_CERTIFICATE = where
    assert certificate_line(scheduled_sale).light is Light.AMBER


def test_a_file_that_is_none_is_red(scheduled_sale: Campaign, settings: Settings) -> None:
    settings.SITE_CERTIFICATE = __file__
    assert certificate_line(scheduled_sale).light is Light.RED
