"""12.16: a session ends half an hour after the operator's last action. 12.17: a button that is
pressed after the session's end does nothing, and the next page says so."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.models import Campaign
from tests.admin.test_form import Page, form_fields
from tests.admin.test_verbs import LIST, campaign_state, page_text, run_action

CampaignMaker = Callable[..., CampaignSnapshot]
AGE_S = 1800
POLL = {"X-Poll": "yes"}
PASSWORD = "only-in-this-test"


def left_s() -> float:
    return (Session.objects.get().expire_date - timezone.now()).total_seconds()


def age_session(client: Client, seconds: int) -> None:
    """Age the session as if the operator had been idle for so many seconds."""
    row = Session.objects.get()
    values = row.get_decoded()
    if "used_at" in values:
        values["used_at"] -= seconds
    row.session_data = Session.objects.encode(values)
    row.expire_date -= timedelta(seconds=seconds)
    row.save()


@pytest.fixture
def client_logged_in_by_form(db: None) -> Client:
    """A client that logged in by the form."""
    User.objects.create_superuser("mina", password=PASSWORD)
    client = Client()
    form = {"username": "mina", "password": PASSWORD, "next": "/admin/"}
    assert client.post("/admin/login/", form).status_code == 302
    return client


@pytest.mark.parametrize("page", ["https://example.com/", "//example.com", "javascript:alert(1)"])
def test_13_4_a_login_that_asks_for_a_page_elsewhere_ends_at_the_index(db: None, page: str) -> None:
    User.objects.create_superuser("mina", password=PASSWORD)
    form = {"username": "mina", "password": PASSWORD, "next": page}
    answer = Client().post("/admin/login/", form)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_12_16_a_session_goes_on_with_every_click(client_logged_in_by_form: Client) -> None:
    for _ in range(5):
        age_session(client_logged_in_by_form, 1_700)
        answer = client_logged_in_by_form.get("/admin/")
        assert answer.status_code == 200
        assert left_s() > AGE_S - 60
        assert answer.cookies[site_settings.SESSION_COOKIE_NAME]["max-age"] == AGE_S


def test_12_16_who_does_nothing_for_half_an_hour_is_out(client_logged_in_by_form: Client) -> None:
    age_session(client_logged_in_by_form, AGE_S + 1)
    assert client_logged_in_by_form.get("/admin/").status_code == 302


@pytest.mark.parametrize("below", ["live", "readiness", "readiness_json", "change"])
def test_12_16_a_page_that_refreshes_itself_does_not_extend_the_session(
    client_logged_in_by_form: Client, campaign_url: Page, open_campaign: CampaignMaker, below: str
) -> None:
    open_campaign("sale")
    age_session(client_logged_in_by_form, 1_700)
    assert (
        client_logged_in_by_form.get(campaign_url("sale", below), headers=POLL).status_code == 200
    )
    assert left_s() < AGE_S - 1_600
    age_session(client_logged_in_by_form, 101)
    assert (
        client_logged_in_by_form.get(campaign_url("sale", below), headers=POLL).status_code == 302
    )


def test_12_16_a_verb_extends_the_session(
    client_logged_in_by_form: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    age_session(client_logged_in_by_form, 1_700)
    client_logged_in_by_form.post(campaign_url("sale", "do", "pause"))
    assert left_s() > AGE_S - 60


def test_12_16_clicks_in_a_row_write_the_session_once_a_minute(
    client_logged_in_by_form: Client, django_assert_num_queries: Any
) -> None:
    client_logged_in_by_form.get("/admin/")
    before = Session.objects.get().expire_date
    for _ in range(3):
        client_logged_in_by_form.get("/admin/")
    assert Session.objects.get().expire_date == before


def test_12_16_a_page_asks_how_long_its_session_lasts(client_logged_in_by_form: Client) -> None:
    client_logged_in_by_form.get("/admin/")
    age_session(client_logged_in_by_form, 1_600)
    document = client_logged_in_by_form.get("/admin/session/", headers=POLL).json()
    assert 190 <= document["left_s"] <= 200
    assert 190 <= left_s() <= 200
    assert (
        client_logged_in_by_form.get("/admin/session/").json()["left_s"] >= AGE_S - 5
    )  # "Stay logged in"
    assert left_s() > AGE_S - 60


def test_12_16_every_page_knows_when_its_session_ends(
    client_logged_in_by_form: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    for address in ("/admin/", LIST, campaign_url("sale"), campaign_url("sale", "readiness")):
        match = re.search(r'data-left-s="(\d+)"', page_text(client_logged_in_by_form.get(address)))
        assert match is not None, address
        assert int(match[1]) > AGE_S - 60
    assert "data-left-s" not in page_text(Client().get("/admin/login/"))


def test_12_16_only_an_operator_gets_the_session_status(client: Client) -> None:
    assert client.get("/admin/session/").status_code == 302


def test_12_16_the_users_api_has_no_session(client: Client, open_campaign: CampaignMaker) -> None:
    open_campaign("sale")
    assert not client.get("/api/v1/campaigns/sale").cookies
    assert not Session.objects.exists()


def test_12_17_a_button_pressed_after_the_session_ended_says_that_nothing_was_done(
    client_logged_in_by_form: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    age_session(client_logged_in_by_form, AGE_S + 1)
    login = client_logged_in_by_form.post(campaign_url("sale", "do", "pause"), follow=True)
    assert "nothing was done" in page_text(login)
    form = {"username": "mina", "password": PASSWORD}
    after = client_logged_in_by_form.post(login.redirect_chain[-1][0], form, follow=True)
    assert after.status_code == 200
    assert after.redirect_chain[-1][0] == campaign_url("sale", "do", "pause")
    assert "No claim is admitted until it is resumed." in page_text(after)  # and its button
    assert campaign_state() == "scheduled"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (("do", "resume"), "change"), (("override",), "readiness"),
        (("parked_do",), "parked"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["get", "head"])
def test_12_17_a_page_for_buttons_answers_a_get_with_its_page(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker, address: Any,
    shown: str, method: str,
) -> None:  # fmt: skip
    open_campaign("sale")
    answer = getattr(operator_client, method)(campaign_url("sale", *address), follow=True)
    assert (answer.status_code, answer.redirect_chain) == (
        200,
        [(campaign_url("sale", shown), 302)],
    )
    if method == "get":
        assert "Nothing was done" in page_text(answer)
    assert campaign_state() == "scheduled"


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_12_17_other_methods_are_refused(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker, method: str
) -> None:
    open_campaign("sale")
    answer = getattr(operator_client, method)(campaign_url("sale", "do", "pause"))
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_12_17_logging_out_by_a_get_does_nothing(operator_client: Client) -> None:
    answer = operator_client.get("/admin/logout/", follow=True)
    assert answer.status_code == 200
    assert "Nothing was done" in page_text(answer)
    assert operator_client.get("/admin/").status_code == 200


def test_12_17_no_page_of_the_admin_answers_a_get_with_405(
    operator_client: Client, open_campaign: CampaignMaker
) -> None:
    """Every URL of the admin, with a campaign and a verb where it takes them."""
    open_campaign("sale")
    pk = Campaign.objects.get().pk
    requested = []
    for pattern, keys in _admin_addresses():
        address = "/admin/" + pattern % {key: _example_value(key, pk) for key in keys}
        requested.append(address)
        assert operator_client.get(address).status_code != 405, address
    assert {f"/admin/coupons/campaign/{pk}/do/pause/", "/admin/logout/"} <= set(requested)


def _admin_addresses() -> list[tuple[str, list[str]]]:
    namespaces: Any = get_resolver().namespace_dict["admin"]
    _prefix, resolver = namespaces
    names = [name for name in resolver.reverse_dict if isinstance(name, str)]
    found = [possibility for name in names for possibility in resolver.reverse_dict.getlist(name)]
    return [each for possibilities, *_ in found for each in possibilities]


def _example_value(key: str, pk: int) -> str:
    return {"verb": "pause", "app_label": "coupons", "url": "nowhere"}.get(key, str(pk))


@pytest.mark.parametrize("sent", ["action", "form", "override"])
def test_12_17_every_request_sent_too_late_is_reported_as_not_done(
    client_logged_in_by_form: Client, campaign_url: Page, open_campaign: CampaignMaker, sent: str
) -> None:
    open_campaign("sale")
    typed = form_fields(client_logged_in_by_form, campaign_url("sale")) | {"stock": "20"}
    age_session(client_logged_in_by_form, AGE_S + 1)
    if sent == "action":
        answer = run_action(client_logged_in_by_form, "pause", "sale")
    elif sent == "form":
        answer = client_logged_in_by_form.post(campaign_url("sale"), typed, follow=True)
    else:
        answer = client_logged_in_by_form.post(
            campaign_url("sale", "override"), {"reason": "now"}, follow=True
        )
    assert "You are not logged in, so nothing was done." in page_text(answer)
    assert (campaign_state(), Campaign.objects.get().stock) == ("scheduled", 10)


def test_a_session_ends_with_the_logout(client_logged_in_by_form: Client) -> None:
    assert client_logged_in_by_form.post("/admin/logout/").status_code == 200
    assert not Session.objects.exists()
    assert client_logged_in_by_form.get("/admin/").status_code == 302


def test_a_session_of_an_earlier_release_continues(operator_client: Client) -> None:
    assert operator_client.get("/admin/session/", headers=POLL).json()["left_s"] is None
    operator_client.get("/admin/")
    assert operator_client.get("/admin/session/", headers=POLL).json()["left_s"] > AGE_S - 60


def test_a_damaged_mark_in_a_session_is_none(client_logged_in_by_form: Client) -> None:
    row = Session.objects.get()
    row.session_data = Session.objects.encode(row.get_decoded() | {"used_at": "yesterday"})
    row.save()
    assert client_logged_in_by_form.get("/admin/session/", headers=POLL).json()["left_s"] is None
    assert client_logged_in_by_form.get("/admin/").status_code == 200
    assert abs(Session.objects.get().get_decoded()["used_at"] - time.time()) < 60
