"""Headers of every answer: what browsers may not do with it. On the real chain of WSGI middleware,
with errors that Django never sees; pages in a real browser: tests/browser."""

import io
from collections.abc import Callable
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest

from config import wsgi
from config.containers import render
from config.request_cycle import RequestCycle
from config.request_guard import RequestGuard
from config.security_headers import (
    ALWAYS,
    DATA_POLICY,
    PAGE_POLICY,
    SecurityHeaders,
    came_by_https,
    strict_transport,
)

pytestmark = pytest.mark.django_db

HSTS = "max-age=60"
Headers = dict[str, str]


def ask(application: Any, path: str, method: str = "GET", **environ: str) -> tuple[int, Headers]:
    asked: dict[str, Any] = {"PATH_INFO": path, "REQUEST_METHOD": method,
                             "wsgi.input": io.BytesIO(), **environ}  # fmt: skip
    setup_testing_defaults(asked)
    got: list[tuple[int, list[tuple[str, str]]]] = []
    list(application(asked, lambda status, sent, *_: got.append((int(status[:3]), sent))))
    ((status, sent),) = got
    assert len({name for name, _ in sent} - {"Set-Cookie"}) == len(
        [name for name, _ in sent if name != "Set-Cookie"]
    ), "a header twice"
    return status, dict(sent)


def failing(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
    raise RuntimeError("outside of Django")


# Each is another road to an answer: a view, no view, a redirect, a bad Host, a wrong method, the
# probes, the schema, static files' 404, the admin, its redirect, an odd path.
PATHS = [
    ("/", "GET"), ("/none", "GET"), ("/api/v1/campaigns", "GET"), ("/api/v1/time", "PUT"),
    ("/api/v1/campaigns/sale/claims", "POST"), ("/api/v1/receipts/verify", "POST"),
    ("/api/v1/merchant/campaigns", "GET"), ("/api/v1/schema", "GET"), ("/api/v1/docs", "GET"),
    ("/admin/", "GET"), ("/admin", "GET"), ("/admin/login/", "GET"), ("/admin/login/", "POST"),
    ("/admin/none/", "GET"), ("/livez", "GET"),
    ("/livez", "POST"), ("/events", "GET"), ("/events/none", "GET"), ("/events/none/claim", "GET"),
    ("/coupon-button.js", "GET"), ("/static/none.js", "GET"), ("/api/\xff", "GET"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "method"), PATHS)
def test_every_answer_has_them_all(path: str, method: str) -> None:
    application = SecurityHeaders(RequestGuard(RequestCycle()))
    status, headers = ask(application, path, method)
    assert {name for name, _ in ALWAYS} - headers.keys() == set(), status
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    if path.startswith(("/admin/", "/api/v1/docs")):
        assert policy == PAGE_POLICY


def test_control_django_alone_sends_them_not() -> None:
    _, headers = ask(RequestGuard(RequestCycle()), "/none")
    assert headers.keys().isdisjoint({name for name, _ in ALWAYS})


def test_answers_that_django_never_sees_have_them() -> None:
    status, headers = ask(SecurityHeaders(RequestGuard(failing)), "/")
    assert (status, dict(ALWAYS).items() <= headers.items()) == (500, True)


def test_a_foreign_host_gets_them() -> None:
    settings.ALLOWED_HOSTS, before = ["shop.example"], settings.ALLOWED_HOSTS
    try:
        status, headers = ask(SecurityHeaders(RequestCycle()), "/", HTTP_HOST="evil.example")
    finally:
        settings.ALLOWED_HOSTS = before
    assert (status, headers["Content-Security-Policy"]) == (400, DATA_POLICY)


def test_a_header_of_a_view_is_kept() -> None:
    _, headers = ask(SecurityHeaders(RequestCycle()), "/")
    assert "style-src 'sha256-" in headers["Content-Security-Policy"]
    _, headers = ask(SecurityHeaders(RequestCycle()), "/coupon-button.js")
    assert headers["Cache-Control"].startswith("public")


@pytest.mark.parametrize(
    ("environ", "told"),
    [({}, None), ({"HTTP_X_FORWARDED_PROTO": "https"}, HSTS), ({"wsgi.url_scheme": "https"}, HSTS)],
)
def test_hsts_is_told_where_tls_is(environ: dict[str, str], told: str | None) -> None:
    application = SecurityHeaders(RequestCycle(), hsts=HSTS)
    assert ask(application, "/none", **environ)[1].get("Strict-Transport-Security") == told
    never = SecurityHeaders(RequestCycle())
    assert "Strict-Transport-Security" not in ask(never, "/none", **environ)[1]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "told",
    [
        *(None, "", "http", "https", "HTTPS", " https ", "\thttps", "httpss", "https;q=1"),
        *("http, https", "https, http", "https,", ",https"),
    ],
)
def test_what_came_by_https_is_what_django_takes_for_it(scheme: str, told: str | None) -> None:
    environ = {} if told is None else {"HTTP_X_FORWARDED_PROTO": told}
    setup_testing_defaults(environ)
    environ["wsgi.url_scheme"] = scheme
    assert came_by_https(environ) is WSGIRequest(environ | {"wsgi.input": io.BytesIO()}).is_secure()


def test_what_hsts_says() -> None:
    assert strict_transport(0, subdomains=True, preload=True) == ""
    assert strict_transport(60, subdomains=False, preload=False) == "max-age=60"
    assert strict_transport(60, subdomains=True, preload=True) == (
        "max-age=60; includeSubDomains; preload"
    )


def test_they_are_outermost() -> None:
    assert isinstance(wsgi.application, SecurityHeaders)


def test_the_front_has_the_same_ones() -> None:
    assert render.role_variables("front")["front_security_headers"] == dict(ALWAYS)
