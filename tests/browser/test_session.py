"""12.16 and 12.17 in a real browser: a session that ends is announced, can be kept, and what was
pressed or typed too late is not done in silence."""

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
from tests.browser.chromium import IN_CHROMIUM, Browser, browser

pytestmark = IN_CHROMIUM

PASSWORD = "only-in-this-test"
AGE_S = 18  # half of it is announced


@pytest.fixture
def window(
    live_server: Any, settings: Any, tmp_path: Path, open_campaign: Callable[..., CampaignSnapshot]
) -> Iterator[Browser]:
    """Mina on the page of a sale, under a policy that allows no inline script."""
    settings.MIDDLEWARE = ["tests.browser.policy.strict", *settings.MIDDLEWARE]
    settings.SESSION_COOKIE_AGE = AGE_S
    open_campaign("sale", stock=10)
    User.objects.create_superuser("mina", password=PASSWORD)
    with browser(tmp_path) as window:
        window.go(f"{live_server.url}/admin/coupons/campaign/{Campaign.objects.get().pk}/change/")
        log_in(window)
        window.sees("[data-count=admitted]", "0")
        yield window


def log_in(window: Browser) -> None:
    window.type("#id_username", "mina")
    window.type("#id_password", PASSWORD)
    window.click("[type=submit]")
    window.find("#user-tools")


def elsewhere(window: Browser) -> None:
    """Mina logs in again in another window of this browser, which changes its cookies."""
    client = Client()
    client.post("/admin/login/", {"username": "mina", "password": PASSWORD, "next": "/admin/"})
    client.get("/admin/")
    names = (site.SESSION_COOKIE_NAME, site.CSRF_COOKIE_NAME)
    cookies = {name: client.cookies[name].value for name in names}
    for name, value in cookies.items():
        window.set_cookie(name, value)


def test_12_16_a_session_that_ends_is_announced_kept_and_missed(window: Browser) -> None:
    window.sees("#session", "You will be logged out in 0:0")
    before = Session.objects.get().expire_date
    window.click("#session button")
    window.gone("#session")
    assert Session.objects.get().expire_date > before

    window.run("document.querySelector('input[name=stock]').value = '25'")
    window.sees("#session", "You are logged out")
    elsewhere(window)
    window.gone("#session")
    window.click("input[name=_continue]")
    window.sees(".messagelist .success", "changed successfully")
    assert Campaign.objects.get().stock == 25


def test_12_17_pause_after_the_session_ended_says_that_nothing_was_done(window: Browser) -> None:
    window.forget_cookies(site.SESSION_COOKIE_NAME)
    window.click("button[value=pause]")
    window.sees(".messagelist .warning", "You are not logged in, so nothing was done.")
    log_in(window)
    window.sees(".messagelist .warning", "Nothing was done: please press the button again.")
    window.sees("[data-state]", "open")
    window.click("button[value=pause]")
    window.sees("[data-state]", "paused")
