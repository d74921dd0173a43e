"""Issue 12, 26 and 28: a campaign's panel refreshes itself after an opening, a closing and every
button, keeps its chart, and shows the rate that its label names."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from coupons.admission import strategies
from coupons.campaigns import lifecycle, lookup, opening_hold, recorded_states
from coupons.claims.values import Claim
from coupons.models import Campaign
from coupons.store import keys, store
from tests.browser.chromium import IN_CHROMIUM, Browser, start_browser

pytestmark = IN_CHROMIUM

PASSWORD = "only-in-this-test"
HOUR = timedelta(hours=1)
POINTS = "return document.querySelector('[data-line=admitted]').points.length"
RATE = "return document.querySelector('[data-rate]').textContent"
COUNTDOWN = "return document.querySelector('.countdown')?.checkVisibility() ?? false"
CLAIMS, BURSTS = 30, 10

Draft = Callable[..., Campaign]


@pytest.fixture
def open_panel(
    live_server: Any, tmp_path: Path, transactional_db: None
) -> Iterator[Callable[[Campaign], Browser]]:
    """Call it with a campaign: Mina logs in and opens its page."""
    store().client.set(keys.SWEPT, store().server.now_ms() + 600_000)
    store().client.set(keys.CANARY, store().server.now_ms() + 600_000)
    User.objects.create_superuser("mina", password=PASSWORD)
    with start_browser(tmp_path) as window:

        def log_in_and_show(campaign: Campaign) -> Browser:
            window.go_to(f"{live_server.url}/admin/")
            window.log_in("mina", PASSWORD)
            window.go_to(f"{live_server.url}/admin/coupons/campaign/{campaign.pk}/change/")
            window.run_script("window.stillHere = true")
            return window

        yield log_in_and_show


def schedule_in_an_hour(draft: Draft, **fields: Any) -> Campaign:
    opens = timezone.now() + HOUR
    draft("sale", opens_at=opens, closes_at=opens + HOUR, **fields)
    return lifecycle.schedule_campaign("sale", actor="Mina")


def open_in(seconds: float) -> None:
    opens_at = timezone.now() + timedelta(seconds=seconds)
    lifecycle.reschedule("sale", opens_at=opens_at, closes_at=opens_at + HOUR, actor="Theo")


def close_in(seconds: float) -> None:
    closes_at = timezone.now() + timedelta(seconds=seconds)
    opens_at = Campaign.objects.get().opens_at
    lifecycle.reschedule("sale", opens_at=opens_at, closes_at=closes_at, actor="Theo")


def never_reloaded(window: Browser) -> bool:
    return window.run_script("return window.stillHere") is True


def test_the_panel_follows_an_opening_and_a_closing_without_a_reload(
    open_panel: Callable[[Campaign], Browser], draft: Draft
) -> None:
    window = open_panel(schedule_in_an_hour(draft))
    window.wait_for_text(".countdown", "opens in 00:59")
    open_in(30)  # by another operator; a busy machine takes seconds to show it
    window.wait_for_text("#history", "rescheduled")
    window.wait_for_text(".countdown", "opens in 00:00")
    window.wait_for_text("[data-state]", "open")  # before beat has written it
    window.wait_until_hidden("a[href$='/do/open/']")
    window.wait_for_element("a[href$='/do/pause/']")
    assert window.run_script(COUNTDOWN) is False
    recorded_states.follow_the_clock()
    window.wait_for_text("#history", "open")
    close_in(5)
    window.wait_for_text("[data-state]", "closed")
    window.wait_until_hidden(".live .verbs .button")
    recorded_states.follow_the_clock()
    window.wait_until_hidden(".submit-row [name=_continue]")
    assert "eload" not in window.visible_text("#live")
    assert never_reloaded(window)


def test_the_panel_shows_that_all_is_sold_out(
    open_panel: Callable[[Campaign], Browser], draft: Draft
) -> None:
    draft("sale", stock=3)
    window = open_panel(lifecycle.schedule_campaign("sale", actor="Mina"))
    window.wait_for_text("[data-count=admitted]", "0")
    for user in ("ann", "bob", "eve"):
        strategies.admit(lookup.find_snapshot("sale"), Claim(user))
    window.wait_for_text(".sold-out", "sold out")
    lifecycle.change_stock("sale", stock=5, actor="Theo")
    window.wait_for_text("[data-count=remaining]", "2")
    window.wait_until_hidden(".sold-out")
    window.wait_for_text("#history", "stock 3 → 5")
    field = "return document.querySelector('input[name=stock]').value"
    window.wait_until(lambda: window.run_script(field) == "5")
    assert never_reloaded(window)


def test_a_refresh_of_the_panel_keeps_unsaved_input(
    open_panel: Callable[[Campaign], Browser], draft: Draft
) -> None:
    window = open_panel(schedule_in_an_hour(draft))
    window.run_script("document.querySelector('input[name=stock]').value = '77'")
    lifecycle.pause_campaign("sale", actor="Theo")
    window.wait_for_text("[data-state]", "paused")
    window.wait_for_element("button[value=resume]")
    assert window.run_script("return document.querySelector('input[name=stock]').value") == "77"


def test_chart_and_rate_are_kept_after_every_button(
    open_panel: Callable[[Campaign], Browser], draft: Draft
) -> None:
    draft("sale", stock=1000)
    window = open_panel(lifecycle.schedule_campaign("sale", actor="Mina"))
    strategies.admit(lookup.find_snapshot("sale"), Claim("ann"))
    for buttons, then in (
        (["a[href$='/do/pause/']", ".command-buttons button"], "paused"),
        (["button[value=resume]"], "open"), (["input[name=_continue]"], "open"),
    ):  # fmt: skip
        window.wait_until(lambda: window.run_script(POINTS) > 3)
        before = window.run_script(POINTS)
        window.run_script("window.stillHere = false; performance.mark('old')")
        for button in buttons:
            window.click_element(button)
        window.wait_for_text("[data-state]", then)
        window.wait_until(lambda: not window.run_script("return 'stillHere' in window"))
        assert window.run_script(POINTS) >= before
        assert window.run_script(RATE) not in ("", "?")


def test_another_campaign_has_a_chart_of_its_own(
    open_panel: Callable[[Campaign], Browser], draft: Draft
) -> None:
    draft("sale")
    window = open_panel(lifecycle.schedule_campaign("sale", actor="Mina"))
    window.wait_until(lambda: window.run_script(POINTS) > 3)
    other = draft("other")
    window.go_to(
        window.run_script("return location.origin") + f"/admin/coupons/campaign/{other.pk}/change/"
    )
    window.wait_for_text(".breadcrumbs", "other")
    assert window.run_script(POINTS) <= 2


def test_a_chart_that_can_not_be_stored_or_read_starts_empty(
    open_panel: Callable[[Campaign], Browser], draft: Draft
) -> None:
    draft("sale")
    window = open_panel(lifecycle.schedule_campaign("sale", actor="Mina"))
    window.wait_until(lambda: window.run_script(POINTS) > 1)
    window.run_script("Storage.prototype.setItem = () => { throw new DOMException('full') }")
    window.run_script("Object.keys(sessionStorage).forEach(name => { sessionStorage[name] = '{' })")
    strategies.admit(lookup.find_snapshot("sale"), Claim("ann"))
    window.wait_for_text("[data-count=admitted]", "1")
    window.go_to(window.run_script("return location.href"))
    window.wait_for_text("[data-count=admitted]", "1")
    window.wait_until(lambda: window.run_script(POINTS) > 1)


def test_the_rate_is_of_one_second(open_panel: Callable[[Campaign], Browser], draft: Draft) -> None:
    draft("sale", stock=1000)
    window = open_panel(lifecycle.schedule_campaign("sale", actor="Mina"))
    window.wait_until(lambda: window.run_script(POINTS) > 7)  # a mean over five seconds would be 6
    seen = [highest_rate_of_a_burst(window, number) for number in range(2)]
    while max(seen) < CLAIMS / 2.5 and len(seen) < BURSTS:  # a busy machine took seconds for it
        seen.append(highest_rate_of_a_burst(window, len(seen)))
    assert max(seen) >= CLAIMS / 2.5, f"a mean over five seconds would be {CLAIMS / 5}: {seen}"


def highest_rate_of_a_burst(window: Browser, burst: int) -> int:
    """The highest that is shown, until it is zero again."""
    for number in range(CLAIMS):
        strategies.admit(lookup.find_snapshot("sale"), Claim(f"user-{burst}-{number}"))
    window.wait_for_text("[data-count=admitted]", str((burst + 1) * CLAIMS))
    shown = list[int]()

    def is_over() -> bool:
        shown.append(int(window.run_script(RATE)))
        return shown[-1] == 0

    window.wait_until(is_over)
    return max(shown)


def test_an_unknown_rate_is_not_shown_as_zero(
    open_panel: Callable[[Campaign], Browser], draft: Draft, redis_away: Callable[[], None]
) -> None:
    draft("sale")
    window = open_panel(lifecycle.schedule_campaign("sale", actor="Mina"))
    window.wait_until(lambda: window.run_script(RATE) == "0")
    redis_away()
    window.wait_for_text("[data-count=admitted]", "?")
    window.wait_until(lambda: window.run_script(RATE) == "?")


def test_no_countdown_runs_while_an_opening_is_held_back(
    open_panel: Callable[[Campaign], Browser], draft: Draft
) -> None:
    window = open_panel(schedule_in_an_hour(draft))
    window.wait_for_text(".countdown", "opens in 00:59")
    opening_hold.hold_opening("sale", checks=["replicas"])
    window.wait_for_text("[data-state]", "held back")
    window.wait_for_text(".live .errornote", "held back")
    assert window.run_script(COUNTDOWN) is False
    window.wait_until_hidden("button[value=resume]")
    opening_hold.release_opening("sale")
    window.wait_for_text("[data-state]", "scheduled")
    window.wait_for_text(".countdown", "opens in 00:")
    lifecycle.pause_campaign("sale", actor="Theo")
    window.wait_for_text("[data-state]", "paused")
    assert window.run_script(COUNTDOWN) is False
    assert never_reloaded(window)
