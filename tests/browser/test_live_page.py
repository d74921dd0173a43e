"""The live page of a sale in a real browser: at 390 and 1280 px, in both languages and
themes, while it goes well and while it does not. The pictures are kept in build/pages/live, for
people to look at.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from coupons.admission import strategies
from coupons.campaigns import lifecycle, lookup
from coupons.claims.values import Claim
from coupons.issuing import drain
from coupons.models import Campaign
from coupons.observability import hot_counters
from coupons.store import keys, store
from coupons.store.demand import RING_S
from tests.browser import measures
from tests.browser.chromium import IN_CHROMIUM, Browser, start_browser

pytestmark = IN_CHROMIUM

PICTURES = Path("build/pages/live")
PASSWORD = "only-in-this-test"
BARS = (
    "return (document.querySelector('path.refused')?.getAttribute('d') ?? '').split('M').length - 1"
)
Draft = Callable[..., Campaign]


def mark_workers(ahead_ms: int = 600_000) -> None:
    for name in (keys.SWEPT, keys.CANARY):
        store().client.set(name, store().server.now_ms() + ahead_ms)


def plant_demand(turned_away: int = 0) -> None:
    """Ten minutes of a sale that opened eight minutes ago, as `count.lua` would have kept them."""
    now_s = store().server.now_ms() // 1000
    name = keys.campaign_keys("sale").demand
    for ago in range(1, 600):
        crowd = 40 if ago > 480 else 1_500 * ago // 480 + 150
        words = {"not_open": crowd} if ago > 480 else {"sold_out": crowd, "admitted": crowd // 4}
        words |= {"too_many_requests": turned_away + crowd // 40, "<5": crowd, "<10": crowd // 50}
        text = " ".join(f"{word}={count}" for word, count in words.items() if count)
        store().client.hset(name, str((now_s - ago) % RING_S), f"{now_s - ago} {text}")


@pytest.fixture
def open_window(
    live_server: Any, tmp_path: Path, transactional_db: None
) -> Iterator[Callable[..., Browser]]:
    """Call it with a language: Mina logs in and opens the sale's live page."""
    User.objects.create_superuser("mina", password=PASSWORD)
    mark_workers()
    windows: list[Any] = []

    def log_in(language: str = "en") -> Browser:
        windows.append(start_browser(tmp_path / language, language=language))
        window: Browser = windows[-1].__enter__()
        window.go_to(f"{live_server.url}/admin/")
        window.log_in("mina", PASSWORD)
        pk = Campaign.objects.get(slug="sale").pk
        window.go_to(f"{live_server.url}/admin/coupons/campaign/{pk}/live/")
        return window

    yield log_in
    for window in windows:
        window.__exit__(None, None, None)


def faults_of(window: Browser, theme: str, width: int) -> list[str]:
    """What is too wide, clipped, broken or faint, and what axe finds."""
    window.resize_page(width, 900)
    return [
        *measures.wider_than(window, width), *measures.clipped_elements(window),
        *measures.broken_words(window), *measures.faint_texts(window, theme),
        *window.axe_violations(),
    ]  # fmt: skip


def open_sale(draft: Draft, **fields: Any) -> None:
    opened = timezone.now() - timedelta(minutes=8)
    draft("sale", name="가을 세일", opens_at=opened, **fields)
    lifecycle.schedule_campaign("sale", actor="Mina")
    sale = lookup.find_snapshot("sale")
    for number in range(30):
        strategies.admit(sale, Claim(f"user-{number}"))
    drain.drain("sale", consumer="test")
    hot_counters.count_and_send()


def test_the_figures_and_the_verdict_follow_the_sale(
    open_window: Callable[..., Browser], draft: Draft
) -> None:
    open_sale(draft, stock=5_000)
    window = open_window()
    window.run_script("window.stillHere = true")
    window.wait_for_text("[data-verdict]", "Going well")
    window.wait_for_text("[data-figure=stored]", "30")
    sale = lookup.find_snapshot("sale")
    for number in range(7):
        strategies.admit(sale, Claim(f"late-{number}"))
    window.wait_for_text("[data-figure=waiting]", "7")
    window.wait_for_text("[data-figure=admitted]", "37")
    drain.drain("sale", consumer="test")
    window.wait_for_text("[data-figure=stored]", "37")
    strategies.admit(sale, Claim("late-0"))
    hot_counters.count_and_send()
    window.wait_for_text("[data-outcomes]", "admitted")
    drawn = "return document.querySelector('[data-chart] path.repeat').getAttribute('d')"
    window.wait_until(lambda: bool(window.run_script(drawn)))
    mark_workers(-120_000)
    window.wait_for_text("[data-verdict]", "Act: Beat or every worker is dead")
    mark_workers()
    lifecycle.pause_campaign("sale", actor="Theo")
    window.wait_for_text("[data-verdict]", "Look: It is paused")
    window.wait_for_element("button[value=resume]")
    assert window.run_script("return window.stillHere") is True


def test_a_screen_reader_hears_what_changes_and_not_every_number(
    open_window: Callable[..., Browser], draft: Draft
) -> None:
    open_sale(draft, stock=35)
    window = open_window()
    window.run_script(
        "window.heard = []; new MutationObserver(() => window.heard.push("
        "document.querySelector('[data-spoken]').textContent))"
        ".observe(document.querySelector('[data-spoken]'), {childList: true})"
    )
    sale = lookup.find_snapshot("sale")
    for number in range(4):
        strategies.admit(sale, Claim(f"late-{number}"))
    window.wait_for_text("[data-figure=admitted]", "34")
    strategies.admit(sale, Claim("last"))
    window.wait_for_text("[data-state]", "sold out")
    window.wait_for_text("[data-spoken]", "sold out")
    heard = window.run_script("return window.heard.filter((text) => text.startsWith('Going'))")
    assert len(heard) <= 2, heard


def test_pause_resume_and_the_stock_from_the_page(
    open_window: Callable[..., Browser], draft: Draft
) -> None:
    open_sale(draft, stock=5_000)
    window = open_window()
    window.click_element("button[data-step='1']")
    window.click_element(".stock button[type=submit]")
    window.wait_for_text(".messagelist .success", "The stock of sale: 5,000 → 5,500.")
    assert Campaign.objects.get().stock == 5_500
    assert window.run_script("return document.querySelectorAll('button[value=pause]').length") == 1


def test_a_site_that_is_gone_is_told(open_window: Callable[..., Browser], draft: Draft) -> None:
    open_sale(draft, stock=5_000)
    window = open_window()
    window.wait_for_text("[data-verdict]", "Going well")
    window.run_script("window.fetch = () => Promise.reject(new Error('away'))")
    window.wait_for_text("[data-verdict]", "The figures are old: the site does not answer.")


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ko"])
def test_it_is_legible_everywhere(
    open_window: Callable[..., Browser], draft: Draft, language: str
) -> None:
    open_sale(draft, stock=5_000)
    plant_demand()
    window = open_window(language)
    window.wait_until(lambda: int(window.run_script(BARS)) > 500)
    faults = []
    for theme in ("light", "dark"):
        for width in (1280, 390):
            found = faults_of(window, theme, width)
            faults += [f"{language} {theme} {width}: {fault}" for fault in found]
            PICTURES.mkdir(parents=True, exist_ok=True)
            window.save_screenshot(PICTURES / f"{language}-{theme}-{width}.png")
    assert faults == []


@pytest.mark.slow
def test_trouble_is_legible_on_a_phone(open_window: Callable[..., Browser], draft: Draft) -> None:
    open_sale(draft, stock=5_000)
    sale = lookup.find_snapshot("sale")
    for number in range(7):
        strategies.admit(sale, Claim(f"late-{number}"))
    plant_demand(turned_away=400)
    mark_workers(-20_000)
    window = open_window("ko")
    window.wait_for_text("[data-verdict]", "조치 필요")
    for theme in ("light", "dark"):
        assert faults_of(window, theme, 390) == []
        window.save_screenshot(PICTURES / f"trouble-{theme}-390.png")


@pytest.mark.slow
def test_ready_before_the_opening(open_window: Callable[..., Browser], draft: Draft) -> None:
    opens = timezone.now() + timedelta(seconds=100)
    draft("sale", name="가을 세일", opens_at=opens, closes_at=opens + timedelta(minutes=5))
    lifecycle.schedule_campaign("sale", actor="Mina")
    window = open_window("ko")
    window.wait_for_text(".countdown", "00:01")
    assert faults_of(window, "light", 1280) == []
    window.save_screenshot(PICTURES / "ready-1280.png")
