"""The admin keeps Django's protections although they step aside for the API."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.translation import get_language

from tests.conftest import CampaignMaker, Person

pytestmark = pytest.mark.django_db


def test_the_admin_refuses_a_form_without_its_csrf_token() -> None:
    User.objects.create_superuser("mina", password="a-long-password")
    strict = Client(enforce_csrf_checks=True)
    form = {"username": "mina", "password": "a-long-password"}
    assert strict.post("/admin/login/", form).status_code == 403
    page = strict.get("/admin/login/")
    form["csrfmiddlewaretoken"] = page.cookies["csrftoken"].value
    assert strict.post("/admin/login/", form).status_code == 302


def test_the_admin_can_not_be_framed_and_speaks_korean() -> None:
    page = Client(headers={"Accept-Language": "ko"}).get("/admin/login/")
    assert page["X-Frame-Options"] == "DENY"
    assert "비밀번호" in page.content.decode()


def test_an_api_answer_has_no_cookie_and_varies_with_nothing_of_a_session(
    open_campaign: CampaignMaker, person: type[Person]
) -> None:
    open_campaign()
    answer = person("mina").claims()
    assert not answer.cookies
    assert "Cookie" not in answer.get("Vary", "")


def test_the_language_of_an_operator_does_not_reach_the_next_answer_of_the_api() -> None:
    page = Client(headers={"Accept-Language": "ko"}).get("/admin/login/")
    assert page.headers["Content-Language"] == "ko"
    answer = Person("mina").client.delete("/api/v1/coupons").json()
    assert answer["detail"] == 'Method "DELETE" not allowed.'
    assert get_language() == "en"
