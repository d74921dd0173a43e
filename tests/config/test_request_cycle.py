"""21: the cheaper request cycle of the API answers exactly as Django's own handler."""

import io
import re
import time
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.util import setup_testing_defaults

import orjson
import pytest
from django.core import signals
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import override_settings

from config.request_cycle import RequestCycle
from coupons.campaigns import lifecycle
from coupons.identity import user_tokens
from coupons.models import Campaign
from tests.conftest import CampaignMaker

pytestmark = pytest.mark.django_db(transaction=True)

Answer = tuple[str, dict[str, str], bytes]
CLAIMS = "/api/v1/campaigns/sale/claims"
# (method, path, body, headers); the same request is sent to both handlers
REQUESTS: list[tuple[str, str, bytes, dict[str, str]]] = [
    ("POST", CLAIMS, b'{"nth":1}', {}),
    ("POST", CLAIMS, b"", {}),
    ("POST", CLAIMS, b'{"nth":2}', {}),
    ("POST", CLAIMS, b'{"nth":2}', {"HTTP_ACCEPT_LANGUAGE": "ko"}),
    ("POST", CLAIMS, b"[", {}),
    ("POST", CLAIMS, b"x" * 5_000, {}),
    ("POST", CLAIMS, b"a=1", {"CONTENT_TYPE": "application/x-www-form-urlencoded"}),
    ("POST", CLAIMS, b"", {"HTTP_AUTHORIZATION": ""}),
    ("POST", CLAIMS, b"", {"HTTP_AUTHORIZATION": "Bearer no.such.token"}),
    ("POST", CLAIMS, b"", {"HTTP_HOST": "no such host"}),
    ("POST", CLAIMS, b"", {"HTTP_HOST": "evil.example"}),
    ("POST", CLAIMS, b"", {"HTTP_X_FORWARDED_PROTO": "https"}),
    ("POST", CLAIMS, b"", {"SCRIPT_NAME": "/below"}),
    ("POST", CLAIMS + "/", b"", {}),
    ("GET", CLAIMS, b"", {}),
    ("PUT", CLAIMS, b"", {}),
    ("OPTIONS", CLAIMS, b"", {}),
    ("GET", CLAIMS + "/me", b"", {}),
    ("HEAD", CLAIMS + "/me", b"", {}),
    ("POST", "/api/v1/campaigns/over/claims", b"", {}),
    ("POST", "/api/v1/campaigns/gone/claims", b"", {}),
    ("POST", "/api/v1/campaigns/none/claims", b"", {"HTTP_ACCEPT_LANGUAGE": "ko"}),
    ("GET", "/api/v1/coupons?limit=1", b"", {}),
    ("GET", "/api/v1/coupons?limit=x", b"", {}),
    ("GET", "/api/v1/coupons/none", b"", {}),
    ("POST", "/api/v1/receipts/verify", b'{"receipt":"a"}', {}),
    ("GET", "/api/v1/schema", b"", {}),
    ("GET", "/api/v2/none", b"", {}),
    ("GET", "/api/\xec\xbf\xa0\xff", b"", {}),
    ("GET", "/", b"", {}),
]


@pytest.fixture
def campaigns(open_campaign: CampaignMaker) -> None:
    """One that is open, one that is sold out, one that is over."""
    open_campaign()
    open_campaign("gone", stock=1)
    call(WSGIHandler(), "POST", "/api/v1/campaigns/gone/claims", b"", {}, user="first")
    open_campaign("over")
    lifecycle.close_campaign("over", actor="Mina")


def call(
    application: Callable[..., Iterable[bytes]],
    method: str,
    path: str,
    body: bytes,
    headers: dict[str, str],
    *,
    user: str = "mina",
) -> Answer:
    path, _, query = path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query,
        "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body), "HTTP_X_REQUEST_ID": "the-same-in-both",
        "HTTP_AUTHORIZATION": f"Bearer {user_tokens.mint_token(user)}", **headers,
    }  # fmt: skip
    setup_testing_defaults(environ)
    started: list[tuple[str, list[tuple[str, str]]]] = []
    response = application(environ, lambda status, pairs: started.append((status, pairs)))
    whole = b"".join(response)
    if hasattr(response, "close"):
        response.close()
    status, pairs = started[0]
    assert len(dict(pairs)) == len(pairs), "no header twice"
    return status, dict(pairs), re.sub(rb'"answered_at":"[^"]*"', b'"answered_at":""', whole)


@pytest.mark.usefixtures("campaigns")
@pytest.mark.parametrize("hosts", [["*"], ["testserver", "127.0.0.1"]])
@pytest.mark.parametrize("redirects", [False, True])
def test_it_answers_as_django_does(hosts: list[str], redirects: bool) -> None:
    with override_settings(
        ALLOWED_HOSTS=hosts, SECURE_SSL_REDIRECT=redirects, SECURE_HSTS_SECONDS=60 * redirects
    ):
        ours, theirs = RequestCycle(), WSGIHandler()
        for number, request in enumerate(REQUESTS):
            user = f"user-{number}-{redirects}-{len(hosts)}"  # each has a limit of wrong requests
            call(theirs, *request, user=user)  # a user's second claim is answered otherwise
            django_s = call(theirs, *request, user=user)
            assert call(ours, *request, user=user) == django_s, request
            assert call(ours, *request, user=user) == django_s, "the path is remembered now"


def test_it_answers_another_urlconf_with_another_match(open_campaign: CampaignMaker) -> None:
    open_campaign()
    ours = RequestCycle()
    assert call(ours, "GET", "/api/v1/campaigns/sale", b"", {})[0] == "200 OK"
    with override_settings(ROOT_URLCONF="config.urls.operators"):
        assert call(ours, "GET", "/api/v1/campaigns/sale", b"", {})[0] == "404 Not Found"


@pytest.mark.parametrize("signal", [signals.request_started, signals.request_finished])
def test_another_receiver_of_a_signal_gets_it(open_campaign: CampaignMaker, signal: Any) -> None:
    open_campaign()
    senders: list[Any] = []

    def receive(sender: Any, **_: Any) -> None:
        senders.append(sender)

    signal.connect(receive)
    try:
        call(RequestCycle(), "GET", "/api/v1/campaigns/sale", b"", {})
    finally:
        signal.disconnect(receive)
    assert senders == [RequestCycle]


def test_an_obsolete_connection_to_the_database_is_closed_before_and_after(
    open_campaign: CampaignMaker,
) -> None:
    open_campaign(strategy=Campaign.Strategy.DIRECT)
    connection.ensure_connection()
    before = connection.connection
    connection.close_at = time.monotonic() - 1
    assert call(RequestCycle(), "POST", CLAIMS, b"", {})[0] == "201 Created"
    assert connection.connection is not before
    connection.ensure_connection()
    connection.close_at = time.monotonic() + 0.001
    time.sleep(0.002)
    assert call(RequestCycle(), "POST", CLAIMS, b"", {})[0] == "200 OK"
    if connection.settings_dict["CONN_MAX_AGE"] == 0:
        assert connection.connection is None


def test_an_answer_s_resources_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when one of them fails."""
    closed: list[str] = []

    def fail() -> None:
        closed.append("failed")
        raise OSError

    handler = RequestCycle()
    answered = handler.get_response

    def get_response(request: Any) -> Any:
        response: Any = answered(request)
        response._resource_closers += [fail, lambda: closed.append("well")]
        return response

    monkeypatch.setattr(handler, "get_response", get_response)
    status, _, body = call(handler, "GET", "/api/v1/none", b"", {})
    assert status == "404 Not Found"
    assert orjson.loads(body)["status"] == 404
    assert closed == ["failed", "well"]
