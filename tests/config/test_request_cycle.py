"""21: the cheaper request cycle of the API answers exactly as Django's own handler."""

import io
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any
from wsgiref.util import setup_testing_defaults

import orjson
import pytest
from django.core import signals
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, connections
from django.test import override_settings

from config.request_cycle import RequestCycle
from config.security_headers import SecurityHeaders
from coupons.api import responses
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
    ("GET", "/api/v1/docs", b"", {}),
    ("GET", "/api/v1/merchant/campaigns", b"", {}),
    ("POST", "/api/v1/merchant/campaigns", b"{", {}),
    ("POST", CLAIMS, b"", {"HTTP_X_FORWARDED_HOST": "evil.example"}),
    ("POST", CLAIMS, b"", {"HTTP_HOST": ""}),
    ("POST", CLAIMS, b"", {"HTTP_HOST": "127.0.0.1:8000"}),
    ("POST", CLAIMS, b"", {"HTTP_HOST": "127.0.0.1", "HTTP_USER_AGENT": "a bad one"}),
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


OWN_HOSTS = ["testserver", "127.0.0.1"]
SETTINGS: list[dict[str, Any]] = [
    {"ALLOWED_HOSTS": ["*"]},
    {"ALLOWED_HOSTS": OWN_HOSTS},
    {"ALLOWED_HOSTS": ["*"], "SECURE_SSL_REDIRECT": True, "SECURE_HSTS_SECONDS": 60},
    {"ALLOWED_HOSTS": OWN_HOSTS, "SECURE_SSL_REDIRECT": True, "SECURE_HSTS_SECONDS": 60},
    {"PREPEND_WWW": True},
    {"DISALLOWED_USER_AGENTS": [re.compile("bad")], "USE_X_FORWARDED_HOST": True},
    {"SECURE_CONTENT_TYPE_NOSNIFF": True, "SECURE_REFERRER_POLICY": "no-referrer"},
    {"DEBUG": True},
]


@pytest.mark.usefixtures("campaigns")
@pytest.mark.parametrize("chosen", SETTINGS, ids=" ".join)
def test_it_answers_as_django_does(chosen: dict[str, Any]) -> None:
    hsts = "max-age=60" if "SECURE_HSTS_SECONDS" in chosen else ""
    with override_settings(**chosen):
        ours, theirs = (
            SecurityHeaders(django, hsts=hsts) for django in (RequestCycle(), WSGIHandler())
        )
        for number, request in enumerate(REQUESTS):
            user = f"user-{number}"  # each has a limit of wrong requests
            call(theirs, *request, user=user)  # a user's second claim is answered otherwise
            answers = [call(one, *request, user=user) for one in (theirs, ours, ours)]
            if "DEBUG" in chosen:  # whose pages show the calls that led to them
                answers = [(status, {}, b"") for status, _, _ in answers]
            assert answers[1] == answers[0], request
            assert answers[2] == answers[0], "the path and the host are remembered now"


def test_a_site_below_a_path_is_not_that_of_the_next_request(open_campaign: CampaignMaker) -> None:
    """The prefix of addresses stays with a thread until the next request sets it."""
    open_campaign()
    ours = RequestCycle()

    def status_url(**headers: str) -> str:
        _, _, body = call(ours, "POST", CLAIMS, b"", headers)
        return str(orjson.loads(body)["status_url"])

    responses._status_url.cache_clear()  # which takes the first prefix for that of the site
    assert status_url(SCRIPT_NAME="/below") == f"/below{CLAIMS}/me"
    responses._status_url.cache_clear()
    assert status_url() == f"{CLAIMS}/me"


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


@pytest.mark.parametrize("first", ["django.core.cache", "django.core.handlers.base", "django.db"])
def test_the_cheaper_cycle_is_taken_whatever_is_imported_first(first: str) -> None:
    """A receiver's place in its signal depends on the order of imports."""
    program = (
        f"import {first}, config.wsgi; from config import request_cycle;"
        "assert request_cycle._only_django_receives()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)


def test_a_thread_without_a_connection_gets_none(open_campaign: CampaignMaker) -> None:
    open_campaign()
    made: list[bool] = []

    def claim() -> None:
        call(RequestCycle(), "POST", CLAIMS, b"", {})
        made.append(hasattr(connections._connections, "default"))  # type: ignore[attr-defined]

    thread = Thread(target=claim)
    thread.start()
    thread.join()
    assert made == [False], "a claim asks no database"


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
