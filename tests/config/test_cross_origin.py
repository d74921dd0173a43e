"""CORS: pages of the origins that CORS_ORIGINS names may call the users' API, and no others."""

import os
from collections.abc import Iterator
from http.client import HTTPMessage
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from config import env, wsgi
from config.cross_origin import CrossOrigin, origin_complaint
from config.request_guard import RequestGuard
from coupons.identity import user_tokens
from tests.config.fronted import CLAIMS, Environment, HttpAnswer, send_request
from tests.harness import services
from tests.harness.forked_python import run_python

SHOP, OTHER = "https://shop.example", "https://shop.example.evil"
PREFLIGHT = {"Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization,content-type"}  # fmt: skip
# Spellings of an allowed origin that are another origin, or none.
NEARLY = [
    OTHER, "null", "*", "", "http://shop.example", "https://SHOP.example", f"{SHOP}/",
    f"{SHOP}:443", f"{SHOP}:8443", "https://a.shop.example", f"{SHOP}, {OTHER}", f"{SHOP} ",
    "shop.example", "https://shop.exampl\u0435",
]  # fmt: skip


def _cors_headers(headers: HTTPMessage | dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower().startswith("access-")}


# The middleware alone


class Called:
    """The middleware in front of an application that records what reaches it."""

    def __init__(self, status: str = "200 OK", *sent: tuple[str, str]) -> None:
        self.reached: list[str] = []
        self._status = status
        self._sent = sent

    def _behind(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        self.reached.append(environ["REQUEST_METHOD"])
        start(self._status, [("Vary", "Accept-Language"), *self._sent])
        return [b"body"]

    def __call__(self, method: str, **headers: str) -> tuple[str, list[tuple[str, str]]]:
        answers: list[tuple[str, list[tuple[str, str]]]] = []
        environ = {"REQUEST_METHOD": method, **{f"HTTP_{k}": v for k, v in headers.items()}}
        middleware = CrossOrigin(self._behind, [SHOP, "http://localhost:8083"])
        list(middleware(environ, lambda status, sent, *_: answers.append((status, sent))))
        return answers[0]


def test_an_allowed_origin_is_named_and_a_cache_learns_that_it_matters() -> None:
    status, headers = Called("503 Service Unavailable")("POST", ORIGIN=SHOP)
    assert status.startswith("503")
    assert dict(headers)["Access-Control-Allow-Origin"] == SHOP
    exposed = dict(headers)["Access-Control-Expose-Headers"].split(", ")
    assert exposed == ["Coupon-Outcome", "Retry-After", "X-Request-Id", "ETag"]
    assert [value for name, value in headers if name == "Vary"] == ["Accept-Language", "Origin"]
    assert "Access-Control-Allow-Credentials" not in dict(headers)


@pytest.mark.parametrize(("origin", "allowed"), [(SHOP, SHOP), (OTHER, "*"), ("", "*")])
def test_what_any_origin_may_read_names_one_at_a_time(origin: str, allowed: str) -> None:
    """The button's script; with two of them a browser reads nothing."""
    _, headers = Called("200 OK", ("Access-Control-Allow-Origin", "*"))("GET", ORIGIN=origin)
    named = [value for name, value in headers if name == "Access-Control-Allow-Origin"]
    assert named == [allowed]


@pytest.mark.parametrize("origin", NEARLY)
def test_another_origin_gets_no_header_and_its_preflight_is_refused(origin: str) -> None:
    called = Called()
    _, headers = called("POST", ORIGIN=origin)
    assert headers == [("Vary", "Accept-Language"), ("Vary", "Origin")]
    status, headers = called("OPTIONS", ORIGIN=origin, ACCESS_CONTROL_REQUEST_METHOD="POST")
    assert status == "403 Forbidden"
    assert headers == [("Content-Length", "0"), ("Vary", "Origin")]
    assert called.reached == ["POST"]


def test_a_preflight_is_answered_before_everything_else() -> None:
    called = Called()
    status, headers = called("OPTIONS", ORIGIN=SHOP, ACCESS_CONTROL_REQUEST_METHOD="POST")
    assert status == "204 No Content"
    assert dict(headers) == {
        "Access-Control-Allow-Origin": SHOP,
        "Access-Control-Allow-Methods": "GET, POST, DELETE",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match",
        "Access-Control-Max-Age": "7200",
        "Vary": "Origin",
    }
    assert called.reached == []


def test_what_is_no_preflight_is_passed_on() -> None:
    called = Called()
    called("OPTIONS", ORIGIN=SHOP)
    called("OPTIONS", ACCESS_CONTROL_REQUEST_METHOD="POST")
    called("POST", ORIGIN=SHOP, ACCESS_CONTROL_REQUEST_METHOD="POST")
    _, headers = called("GET")
    assert called.reached == ["OPTIONS", "OPTIONS", "POST", "GET"]
    assert not _cors_headers(dict(headers))


def test_a_failure_outside_of_django_can_be_read_by_the_shops_page() -> None:
    def fail(environ: Any, start: Any) -> Any:
        raise LookupError

    answers: list[tuple[str, dict[str, str]]] = []
    CrossOrigin(RequestGuard(fail), [SHOP])(
        {"REQUEST_METHOD": "POST", "HTTP_ORIGIN": SHOP},
        lambda status, headers, *_: answers.append((status, dict(headers))),
    )
    [(status, headers)] = answers
    assert status.startswith("500")
    assert headers["Access-Control-Allow-Origin"] == SHOP


# Which doors have it


def test_while_unset_it_is_not_in_the_chain() -> None:
    assert django_settings.CORS_ORIGINS == []
    assert chain_of(wsgi.application)[0] == "RequestGuard"


def chain_of(application: Any) -> list[str]:
    """The names of what is behind the security headers, which are outermost."""
    names = []
    while application := getattr(application, "_behind", None):
        names.append(type(application).__name__)
    return names


OUTERMOST = "from config.wsgi import application; print(type(application._behind).__name__)"


@pytest.mark.parametrize(
    ("door", "outermost"),
    [("users", "CrossOrigin"), ("merchants", "RequestGuard"), ("operators", "RequestGuard")],
)
def test_only_the_users_api_has_it(door: str, outermost: str) -> None:
    told = {"DOOR": door, "CORS_ORIGINS": SHOP}
    done = run_python("-c", OUTERMOST, env=os.environ | told, cwd=env.BASE_DIR)
    assert done.stdout.strip() == outermost, done.stderr


# Which texts are origins


@pytest.mark.parametrize(
    "text",
    [SHOP, "http://localhost:8083", "http://127.0.0.1:8083", "https://a-b.c1.example:8443",
     "http://[::1]:8080", "https://xn--9t4b11yi5a.kr"],
)  # fmt: skip
def test_an_origin_as_browsers_send_it_is_accepted(text: str) -> None:
    assert origin_complaint(text) == ""


@pytest.mark.parametrize(
    "text",
    ["*", "null", "shop.example", "https://*.shop.example", f"{SHOP}/", f"{SHOP}/x", f"{SHOP}?x",
     "https://Shop.example", f"{SHOP}:443", "http://shop.example:80", f"{SHOP}:0", f"{SHOP}:99999",
     "https://ann@shop.example", "ftp://shop.example", "file://", "https://", f"{SHOP}#x",
     "https://쿠폰.kr", f"{SHOP}\n", f"{SHOP}\r\nX: y", "https://a..b", "https://-a"],
)  # fmt: skip
def test_what_no_browser_sends_is_refused(text: str) -> None:
    assert repr(text) in origin_complaint(text)


# A running door


@pytest.fixture(scope="module")
def shops_door(
    shared_environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The port of a users' door whose API pages of the shop may call."""
    told = {"DOOR": "users", "CORS_ORIGINS": f"{SHOP}, http://localhost:8083", "FACTS_TTL_S": "0"}
    folder: Path = tmp_path_factory.mktemp("shops")
    with services.start_web(shared_environment | told, folder) as port:
        yield port


def _claim(port: int, user: str, **headers: str) -> HttpAnswer:
    token = user_tokens.mint_token(user)
    return send_request(
        port, CLAIMS, "POST", {"Authorization": f"Bearer {token}", "Origin": SHOP, **headers}
    )


@pytest.mark.slow
@pytest.mark.usefixtures("open_sale")
def test_a_page_of_the_shop_claims_a_coupon_through_a_running_door(shops_door: int) -> None:
    asked = send_request(shops_door, CLAIMS, "OPTIONS", {"Origin": SHOP, **PREFLIGHT})
    assert (asked.status, asked.body) == (204, b"")
    assert asked.headers["Access-Control-Allow-Origin"] == SHOP
    answer = _claim(shops_door, "mina")
    assert answer.status == 202
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert answer.headers["Coupon-Outcome"] == "admitted"
    assert "Coupon-Outcome" in answer.headers["Access-Control-Expose-Headers"]
    assert "Origin" in answer.headers.get_all("Vary", [])


@pytest.mark.slow
@pytest.mark.usefixtures("open_sale")
def test_refusals_can_be_read_by_the_shops_page_too(shops_door: int) -> None:
    for method, path, status in (
        ("POST", CLAIMS, 401), ("GET", "/api/v1/nothing-here", 404), ("PUT", CLAIMS, 401),
        ("GET", "/admin/", 404),
    ):  # fmt: skip
        answer = send_request(shops_door, path, method, {"Origin": SHOP})
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, SHOP)


@pytest.mark.slow
@pytest.mark.usefixtures("open_sale")
def test_another_origin_gets_no_header_of_a_running_door(shops_door: int) -> None:
    asked = send_request(shops_door, CLAIMS, "OPTIONS", {"Origin": OTHER, **PREFLIGHT})
    assert (asked.status, _cors_headers(asked.headers)) == (403, {})
    answer = _claim(shops_door, "jun", Origin=OTHER)
    assert (answer.status, _cors_headers(answer.headers)) == (202, {})
    assert "Origin" in answer.headers.get_all("Vary", [])


@pytest.mark.slow
@pytest.mark.usefixtures("open_sale")
def test_without_the_setting_a_door_answers_no_preflight(users_inner: int) -> None:
    """The control: so every browser refused the shop's page."""
    asked = send_request(users_inner, CLAIMS, "OPTIONS", {"Origin": SHOP, **PREFLIGHT})
    assert (asked.status, _cors_headers(asked.headers)) == (401, {})
    answer = _claim(users_inner, "bob")
    assert (answer.status, _cors_headers(answer.headers)) == (202, {})
    assert answer.headers["Vary"] is None
