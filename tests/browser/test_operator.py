"""An operator's day in a real browser: log in, schedule, watch, pause, resume, look a coupon up."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from coupons.admission import strategies
from coupons.campaigns import lookup
from coupons.claims import coupon_codes
from coupons.claims.values import Claim
from coupons.issuing import drain
from coupons.models import Campaign, Coupon
from coupons.readiness import guard
from coupons.store import keys, store
from tests.browser.chromium import IN_CHROMIUM, Browser, start_browser

pytestmark = IN_CHROMIUM

PASSWORD = "only-in-this-test"


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Browser]:
    with start_browser(tmp_path) as window:
        yield window


def log_in(window: Browser, site: str) -> None:
    User.objects.create_superuser("mina", password=PASSWORD)
    window.go_to(f"{site}/admin/")
    window.log_in("mina", PASSWORD)
    window.wait_for_text("#user-tools", "MINA")


def do_verb(window: Browser, name: str) -> None:
    """By its link, and the button of the page that says what happens."""
    window.click_element(f"a[href$='/do/{name}/']")
    window.click_element(".command-buttons button")


def test_a_day_of_an_operator(
    live_server: Any, draft: Callable[..., Campaign], chromium: Browser
) -> None:
    draft("sale", name="가을 세일", stock=10)
    log_in(chromium, live_server.url)

    chromium.go_to(f"{live_server.url}/admin/coupons/campaign/")
    chromium.click_element("#result_list tbody th a")
    chromium.wait_for_text("[data-state]", "draft")
    do_verb(chromium, "schedule")
    chromium.wait_for_text(".messagelist .success", "sale is scheduled now.")

    # The figures move by themselves.
    chromium.run_script("window.stillHere = true")
    sale = lookup.find_snapshot("sale")
    for user in ("ann", "bob", "eve"):
        strategies.admit(sale, Claim(user))
    chromium.wait_for_text("[data-count=admitted]", "3")
    chromium.wait_for_text("[data-count=waiting]", "3")
    drain.drain("sale", consumer="test")
    chromium.wait_for_text("[data-count=stored]", "3")
    chromium.wait_for_text("[data-count=remaining]", "7")
    assert (
        chromium.run_script(
            "return document.querySelector('[data-bar=stored]').getAttribute('width')"
        )
        == "300"
    )
    assert (
        chromium.run_script("return document.querySelector('[data-line=admitted]').points.length")
        > 1
    )
    assert chromium.run_script("return window.stillHere") is True

    do_verb(chromium, "pause")
    chromium.wait_for_text("[data-state]", "paused")
    chromium.click_element("button[value=resume]")
    chromium.wait_for_text("[data-state]", "open")
    chromium.wait_for_text("#history", "resumed")

    chromium.click_element("input[name=stock]")
    chromium.run_script("document.querySelector('input[name=stock]').value = '2'")
    chromium.click_element("input[name=_continue]")
    chromium.wait_for_text(
        ".errorlist", "sale has admitted 3 claims already: its stock can't become 2."
    )

    code = Coupon.objects.get(user="bob").code
    chromium.go_to(f"{live_server.url}/admin/coupons/coupon/")
    chromium.type_text("#searchbar", coupon_codes.grouped_code(code).lower())
    chromium.click_element("#changelist-search [type=submit]")
    chromium.wait_for_text("#result_list", "sale/2")
    chromium.wait_for_text(".paginator", "1 coupon on this page")
    chromium.click_element("#result_list tbody th a")
    chromium.wait_for_text(".field-shown_user", "bob")


def test_closing_needs_the_slug_and_another_person(
    live_server: Any, open_campaign: Callable[..., Any], chromium: Browser
) -> None:
    open_campaign("sale")
    log_in(chromium, live_server.url)
    chromium.go_to(f"{live_server.url}/admin/coupons/campaign/")
    chromium.click_element("#result_list tbody th a")
    chromium.click_element("a[href$='/do/close/']")
    chromium.type_text("#id_typed_slug", "other")
    chromium.type_text("#id_why", "it is over")
    chromium.click_element(".command-buttons .destructive")
    chromium.wait_for_element("#slug-error")
    chromium.run_script("document.querySelector('#id_typed_slug').value = 'sale'")
    chromium.click_element(".command-buttons .destructive")
    chromium.wait_for_text(".messagelist", "waits for another person's approval")
    assert Campaign.objects.get().state != Campaign.State.CLOSED


def test_an_operator_who_was_logged_out_is_told(
    live_server: Any, open_campaign: Callable[..., Any], chromium: Browser
) -> None:
    open_campaign("sale")
    log_in(chromium, live_server.url)
    chromium.go_to(f"{live_server.url}/admin/coupons/campaign/")
    chromium.click_element("#result_list tbody th a")
    chromium.wait_for_text("[data-count=admitted]", "0")
    chromium.forget_cookies()
    chromium.wait_for_text(".live .note", "you are no longer logged in")


def test_before_an_opening_the_board_is_one_click_away_and_refreshes_itself(
    live_server: Any, settings: Any, draft: Callable[..., Campaign], chromium: Browser
) -> None:
    settings.REDIS_WAIT_REPLICAS = 1
    store().client.set(keys.SWEPT, store().server.now_ms() + 600_000)
    store().client.set(
        keys.CANARY, store().server.now_ms() + 600_000
    )  # a worker is there, for long
    settings.HOLD_BACK_S = 600  # a slow machine has time to click
    opens = timezone.now() + timedelta(minutes=9)
    draft("sale", opens_at=opens, closes_at=opens + timedelta(hours=1))
    log_in(chromium, live_server.url)
    chromium.go_to(f"{live_server.url}/admin/coupons/campaign/")
    chromium.click_element("#result_list tbody th a")
    do_verb(chromium, "schedule")
    chromium.wait_for_text(".messagelist .warning", "It is not ready yet (replicas)")
    chromium.wait_for_text(".countdown", "opens in 00:0")
    guard.guard_openings()

    chromium.click_element(".live header a")
    chromium.wait_for_text("#board header .light", "not ready")
    chromium.wait_for_text("#board .errornote", "held back")
    settings.REDIS_WAIT_REPLICAS = 0
    guard.guard_openings()
    chromium.wait_for_text("#board header .light", "ready")  # by itself
    chromium.run_script("window.stillHere = true")

    settings.REDIS_WAIT_REPLICAS = 1
    guard.guard_openings()
    chromium.wait_for_text("#board .errornote", "held back")
    assert chromium.run_script("return window.stillHere") is True
    chromium.go_to(chromium.run_script("return location.href"))
    chromium.type_text("input[name=reason]", "one server is enough today")
    chromium.click_element(".override-form button")
    chromium.wait_for_text(
        ".override", "mina lets it open whatever is red: one server is enough today"
    )
