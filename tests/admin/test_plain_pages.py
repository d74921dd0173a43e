"""Issue 12, 28: error pages of the admin: a sentence and a link in the operator's language, not a
bare status."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import SuspiciousOperation
from django.test import Client

from coupons.admin.campaigns import dead_letters

Page = Callable[..., str]
KOREAN = {"Accept-Language": "ko"}


def assert_page_says(answer: Any, *sentences: str) -> None:
    body = answer.content.decode()
    for sentence in sentences:
        assert sentence in body, body
    assert '<a href="/admin/">' in body


def test_no_page(operator_client: Client) -> None:
    assert_page_says(
        operator_client.get("/admin/nowhere/"), "Page not found", "Go on from the start page."
    )
    answer = operator_client.get("/admin/nowhere/", headers=KOREAN)
    assert answer.status_code == 404
    assert_page_says(answer, '<html lang="ko">', "이 주소에 해당하는 페이지가 없습니다.", ">홈<")


def test_no_permission(
    read_only_client: Client, campaign_url: Page, open_campaign: Callable[..., Any]
) -> None:
    open_campaign("sale")
    assert_page_says(
        read_only_client.post(campaign_url("sale", "do", "pause")),
        "Nothing was done: your account lacks",
    )
    answer = read_only_client.post(campaign_url("sale", "do", "pause"), headers=KOREAN)
    assert answer.status_code == 403
    assert_page_says(answer, "권한이 없습니다", "관리자에게 권한을 요청하세요.")


def test_a_form_that_is_too_old(campaign_url: Page, open_campaign: Callable[..., Any]) -> None:
    open_campaign("sale")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_superuser("mina"))
    assert_page_says(
        browser.post(campaign_url("sale", "do", "pause")),
        "Nothing was done",
        "press the button again",
    )
    answer = browser.post(campaign_url("sale", "do", "pause"), headers=KOREAN)
    assert answer.status_code == 403
    assert_page_says(answer, "버튼을 다시 누르세요.")
    assert "DEBUG" not in answer.content.decode()


@pytest.mark.parametrize(
    ("error", "status", "english", "korean"),
    [
        (SuspiciousOperation("odd"), 400, "The request is not valid", "잘못된 요청입니다"),
        (ZeroDivisionError(), 500, "Something went wrong", "개발팀에 알려 주세요."),
    ],
)
def test_a_request_that_fails(
    operator_client: Client, campaign_url: Page, open_campaign: Callable[..., Any],
    monkeypatch: Any, error: Exception, status: int, english: str, korean: str,
) -> None:  # fmt: skip
    open_campaign("sale")

    def raise_error(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(dead_letters, "parked_claims_page", raise_error)
    operator_client.raise_request_exception = False
    for headers, sentence in ((None, english), (KOREAN, korean)):
        answer = operator_client.get(campaign_url("sale", "parked"), headers=headers)
        assert answer.status_code == status
        assert_page_says(answer, sentence)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_form_beyond_the_bounds_says_which(
    operator_client: Client, campaign_url: Page, open_campaign: Callable[..., Any], language: str
) -> None:
    open_campaign("sale")
    address, headers = campaign_url("sale", "do", "pause"), {"Accept-Language": language}
    large = operator_client.post(address, {"why": "x" * 3_000_000}, headers=headers)
    many = operator_client.post(address, {f"f{n}": "x" for n in range(2_000)}, headers=headers)
    assert (large.status_code, many.status_code) == (413, 400)
    korean = ("양식이 이 사이트에서 받을 수 있는 크기보다 큽니다.", "필드가 너무 많습니다.")
    english = ("The form was larger than this site takes.", "more fields than this site takes.")
    for answer, sentence in zip(
        (large, many), korean if language == "ko" else english, strict=True
    ):
        assert_page_says(answer, f'<html lang="{language}">', sentence)


def test_a_browser_gets_a_page_also_outside_of_the_admin(client: Client) -> None:
    """A program gets what programs read, and so does everybody below /api/."""
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "ko"}
    answer = client.get("/nothing", headers=browser)
    assert answer.status_code == 404
    assert_page_says(answer, '<html lang="ko">', "이 주소에 해당하는 페이지가 없습니다.")
    assert "style-src 'self'" in answer.headers["Content-Security-Policy"]
    for path, headers in (("/nothing", {}), ("/api/v1/nothing", browser)):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"
