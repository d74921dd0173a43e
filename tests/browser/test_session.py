"""12.16 and 12.17 in a real browser: the end of a session is announced and can be postponed, and
a request that is sent too late is refused with a message."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.models import Campaign
from tests.browser.chromium import IN_CHROMIUM, Browser, start_browser

pytestmark = IN_CHROMIUM

PASSWORD = "only-in-this-test"
AGE_S = 18  # half of it is announced


@pytest.fixture
def sale_page(
    live_server: Any, settings: Any, tmp_path: Path, open_campaign: Callable[..., CampaignSnapshot]
) -> Iterator[Browser]:
    """Mina has opened the page of a sale."""
    settings.SESSION_COOKIE_AGE = AGE_S
    open_campaign("sale", stock=10)
    User.objects.create_superuser("mina", password=PASSWORD)
    with start_browser(tmp_path) as window:
        window.go_to(
            f"{live_server.url}/admin/coupons/campaign/{Campaign.objects.get().pk}/change/"
        )
        window.log_in("mina", PASSWORD)
        window.wait_for_text("[data-count=admitted]", "0")
        yield window


def log_in_in_another_window(window: Browser) -> None:
    """Mina logs in again in another window of this browser, which changes its cookies."""
    client = Client()
    client.post("/admin/login/", {"username": "mina", "password": PASSWORD, "next": "/admin/"})
    client.get("/admin/")
    names = (site.SESSION_COOKIE_NAME, site.CSRF_COOKIE_NAME)
    cookies = {name: client.cookies[name].value for name in names}
    for name, value in cookies.items():
        window.set_cookie(name, value)


def test_12_16_the_end_of_a_session_is_announced_postponed_and_reported(sale_page: Browser) -> None:
    sale_page.wait_for_text("#session", "You will be logged out in 0:0")
    before = Session.objects.get().expire_date
    sale_page.click_element("#session button")
    sale_page.wait_until_hidden("#session")
    assert Session.objects.get().expire_date > before

    sale_page.run_script("document.querySelector('input[name=stock]').value = '25'")
    sale_page.wait_for_text("#session", "You are logged out")
    log_in_in_another_window(sale_page)
    sale_page.wait_until_hidden("#session")
    sale_page.click_element("input[name=_continue]")
    sale_page.wait_for_text(".messagelist .success", "The stock of sale: 10 → 25.")
    assert Campaign.objects.get().stock == 25


def test_12_17_pause_after_the_session_ended_says_that_nothing_was_done(sale_page: Browser) -> None:
    sale_page.click_element("a[href$='/do/pause/']")
    sale_page.wait_for_element(".command-buttons button")
    sale_page.forget_cookies(site.SESSION_COOKIE_NAME)
    sale_page.click_element(".command-buttons button")
    sale_page.wait_for_text(".messagelist .warning", "You are not logged in, so nothing was done.")
    sale_page.log_in("mina", PASSWORD)
    sale_page.wait_for_element(".command-buttons button")  # the page asks again
    assert Campaign.objects.get().state != Campaign.State.PAUSED
    sale_page.click_element(".command-buttons button")
    sale_page.wait_for_text("[data-state]", "paused")
