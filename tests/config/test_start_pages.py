"""Issue 12, 27: the root URL of each door is a page with links, in both languages; on real
processes."""

import http.client
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

import pytest

from config.security_headers import ALWAYS
from tests.harness import services

pytestmark = pytest.mark.slow

Environment = dict[str, str]

OUTSIDE = re.compile(r"https?://|<script|<link(?![^>]*href=\"data:,\")|@import|url\(")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    text: str


Ask = Callable[..., Answer]


@contextmanager
def start_door(door: str, environment: Environment, folder: Path) -> Iterator[Ask]:
    with services.start_web(environment | {"DOOR": door}, folder, name=door) as port:

        def send_request(path: str = "/", method: str = "GET", **headers: str) -> Answer:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
                connection.request(method, path, headers=named)
                answer = connection.getresponse()
                return Answer(answer.status, answer.headers, answer.read().decode())

        yield send_request


def page_of(answer: Answer) -> str:
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Accept-Language" in answer.headers["Vary"]
    assert "Set-Cookie" not in answer.headers
    assert not OUTSIDE.search(answer.text)
    return answer.text


@pytest.mark.parametrize("door", ["users", "operators"])
def test_the_bare_address_is_a_page_in_both_languages_and_asks_no_store(
    door: str, child_environment: Environment, tmp_path: Path
) -> None:
    """The stores in its settings do not answer."""
    away = {
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
        "DATABASE_URL": "mysql://nobody:nothing@127.0.0.1:1/none",
    }
    with start_door(door, child_environment | away, tmp_path) as ask:
        english, korean = (
            page_of(ask(Accept_Language=languages))
            for languages in ("fr, ko;q=0", "ko-KR,ko;q=0.9,en;q=0.1")
        )
        assert '<html lang="en">' in english
        assert '<html lang="ko">' in korean
        assert "선착순 쿠폰 발급" in korean
        assert "First-come, first-served coupons" in english
        assert ask(method="HEAD").status == 200
        assert ask(method="POST").status == 405
        assert ask("//").status == 404


@pytest.mark.django_db(transaction=True)
def test_the_operators_page_leads_to_what_answers(
    child_environment: Environment, tmp_path: Path
) -> None:
    with start_door("operators", child_environment, tmp_path) as ask:
        links = re.findall(r'<a href="([^"]+)"', page_of(ask()))
        assert links == ["/admin/", "/api/v1/docs", "/readyz", "/metrics"]
        assert {link: ask(link).status for link in links} == {
            "/admin/": 302, "/api/v1/docs": 200, "/readyz": 200, "/metrics": 200,
        }  # fmt: skip
        for link in links:
            assert [name for name, _ in ALWAYS if name not in ask(link).headers] == [], link


def test_the_users_page_names_nothing_of_the_operators(
    child_environment: Environment, tmp_path: Path
) -> None:
    with start_door("users", child_environment, tmp_path) as ask:
        page = page_of(ask())
    assert "/api/v1/campaigns/" in page
    assert "<a " not in page
    for word in ("admin", "docs", "metrics", "readyz", "8090", "flower"):
        assert word not in page.lower()
