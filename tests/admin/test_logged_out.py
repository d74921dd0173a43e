"""Who logs out reads a page of ours."""

import pytest
from django.test import Client


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "You are logged out of the operators' pages"), ("ko", "로그아웃했습니다")],
)
def test_a_logout_says_that_one_is_logged_out(
    operator_client: Client, language: str, text: str
) -> None:
    answer = operator_client.post("/admin/logout/", headers={"Accept-Language": language})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert text in page
    assert "quality time" not in page
