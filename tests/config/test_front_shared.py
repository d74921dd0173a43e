"""Answers that the front keeps for everybody, whatever origin or scheme asked for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.config.fronted import HttpAnswer, scripted_server, send_request
from tests.harness import servers
from tests.harness.front import API_PATHS, SHARED_PATHS, FrontDoor, pages_behind, start_front

BUTTON, LIVE = "/coupon-button.js", "/api/v1/campaigns/sale/live"
SHOP, STRANGER = "https://shop.example", "https://other.example"
KEPT = 'hdr Cache-Control "public, max-age=60"'
HSTS = "max-age=60"

pytestmark = pytest.mark.slow


@contextmanager
def front_of(folder: Path, *rules: str, **settings: Any) -> Iterator[int]:
    """The port of a front of users and pages; behind it is what answers by these rules."""
    with scripted_server(folder, *rules) as inner:
        door = FrontDoor(
            "users", servers.free_port(), inner, paths=API_PATHS, shared=SHARED_PATHS,
            cross_origin=True, pages=pages_behind(inner),
        )  # fmt: skip
        with start_front(folder / "front", [door], **settings):
            yield door.port


# Origins


@pytest.mark.parametrize("path", [BUTTON, "/static/pages/event.js"])
def test_what_any_origin_may_read_stays_so(tmp_path: Path, path: str) -> None:
    """The button's script, kept or not, and whoever asked first."""
    answer = f'http-request return status 200 {KEPT} hdr Access-Control-Allow-Origin "*"'
    with front_of(tmp_path, answer, cors_origins=[SHOP]) as port:
        answers = [_ask_of(port, path, origin) for origin in (STRANGER, "", SHOP) * 2]
    assert [_allowed(each) for each in answers] == [["*"], ["*"], [SHOP]] * 2
    assert answers[-1].headers["Age"] is not None, "it is kept"


def test_what_the_application_says_to_one_origin_is_told_to_no_other(tmp_path: Path) -> None:
    answer = (
        f"http-request return status 200 {KEPT} hdr Vary Origin"
        " hdr Access-Control-Allow-Origin %[req.hdr(origin)]"
    )
    with front_of(tmp_path, answer, cors_origins=[SHOP]) as port:
        answers = [_ask_of(port, BUTTON, origin) for origin in (SHOP, STRANGER, "") * 2]
    assert [_allowed(each) for each in answers] == [[SHOP], [], []] * 2


def _ask_of(port: int, path: str, origin: str) -> HttpAnswer:
    return send_request(port, path, headers={"Origin": origin} if origin else {})


def _allowed(answer: HttpAnswer) -> list[str]:
    assert answer.status == 200
    return answer.headers.get_all("Access-Control-Allow-Origin") or []


# Schemes


REDIRECT = (
    "http-request redirect scheme https code 301"
    " unless { req.fhdr(x-forwarded-proto) -m str https }"
)
BY_HTTPS = f"http-request return status 200 {KEPT} hdr Strict-Transport-Security {HSTS}"


@pytest.mark.parametrize("path", [BUTTON, LIVE])
def test_plain_http_is_redirected_whatever_is_kept(tmp_path: Path, path: str) -> None:
    with front_of(tmp_path, REDIRECT, BY_HTTPS, balancers=["127.0.0.0/8"]) as port:
        answers = [_ask_by(port, path, scheme) for scheme in ("https", "http") * 2]
        assert [answer.status for answer in answers] == [200, 301] * 2
        assert [answer.headers["Strict-Transport-Security"] for answer in answers[::2]] == [
            HSTS
        ] * 2
        assert answers[2].headers["Age"] is not None, "what came by HTTPS is kept"


def test_a_scheme_is_read_as_the_application_reads_it(tmp_path: Path) -> None:
    """The first of several; only as `https` it is HTTPS."""
    with front_of(tmp_path, REDIRECT, BY_HTTPS, balancers=["127.0.0.0/8"]) as port:
        spellings = ("https", "https, http", "http, https", "HTTPS", "wss", "")
        statuses = [_ask_by(port, LIVE, scheme).status for scheme in spellings]
    assert statuses == [200, 200, 301, 301, 301, 301]


@pytest.mark.parametrize("balancers", [[], ["127.0.0.0/8"]])
def test_a_site_without_a_certificate_keeps_its_answers(
    tmp_path: Path, balancers: list[str]
) -> None:
    answer = f"http-request return status 200 {KEPT}"
    with front_of(tmp_path, answer, balancers=balancers) as port:
        answers = [_ask_by(port, LIVE, "http") for _ in range(2)]
    assert [answer.headers["Age"] is not None for answer in answers] == [False, True]


def _ask_by(port: int, path: str, scheme: str) -> HttpAnswer:
    return send_request(port, path, headers={"X-Forwarded-Proto": scheme} if scheme else {})


# What HAProxy answers itself


@pytest.mark.parametrize(("hsts", "told"), [(HSTS, [HSTS, None, HSTS, None]), ("", [None] * 4)])
def test_its_own_answers_name_hsts_to_whom_came_by_https(
    tmp_path: Path, hsts: str, told: list[str | None]
) -> None:
    with front_of(
        tmp_path, "http-request return status 200", balancers=["127.0.0.0/8"], hsts=hsts
    ) as port:
        answers = [
            _ask_by(port, path, scheme)
            for path in ("/none", f"{BUTTON}?{'x' * 3000}")
            for scheme in ("https", "http")
        ]
    assert [answer.status for answer in answers] == [404, 404, 414, 414]
    assert [answer.headers["Strict-Transport-Security"] for answer in answers] == told


def test_hsts_is_named_once(tmp_path: Path) -> None:
    with front_of(tmp_path, BY_HTTPS, balancers=["127.0.0.0/8"], hsts="max-age=1") as port:
        answer = _ask_by(port, LIVE, "https")
    assert answer.headers.get_all("Strict-Transport-Security") == [HSTS]
