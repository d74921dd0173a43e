"""The live page of a sale in a real browser: at 390 and 1280 px, in both languages and
themes, while it goes well and while it does not. The pictures are kept in build/pages/live, for
people to look at.
"""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
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
COUNTDOWN = "return document.querySelector('.countdown').checkVisibility()"
AWAY = "MySQL does not answer: claims are admitted and wait in Redis."
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


def test_the_version_stands_where_the_page_does(
    open_window: Callable[..., Browser], draft: Draft
) -> None:
    open_sale(draft, stock=5_000)
    window = open_window()
    left = "return document.querySelector('#footer p').getBoundingClientRect().left"
    for width in (1280, 390):
        window.resize_page(width, 900)
        assert window.run_script(left) >= 10


def schedule_sale(draft: Draft, in_s: int) -> None:
    opens = timezone.now() + timedelta(seconds=in_s)
    draft("sale", opens_at=opens, closes_at=opens + timedelta(minutes=5))
    lifecycle.schedule_campaign("sale", actor="Mina")


def test_the_verdict_and_the_large_clock_say_one_number(
    open_window: Callable[..., Browser], draft: Draft
) -> None:
    schedule_sale(draft, in_s=100)
    window = open_window()
    window.wait_for_text(".countdown", "01:")
    seen = set()
    for _ in range(40):  # ten seconds, at any moment of a second
        clock, sentence = window.run_script(
            "return ['.countdown b', '[data-text]'].map("
            "(css) => document.querySelector(css).textContent)"
        )
        assert sentence.lower().endswith(f"opens in {clock}."), (clock, sentence)
        seen.add(clock)
        time.sleep(0.25)
    assert len(seen) > 5


def test_a_draft_counts_down_to_nothing(open_window: Callable[..., Browser], draft: Draft) -> None:
    opens = timezone.now() + timedelta(minutes=26)
    draft("sale", opens_at=opens, closes_at=opens + timedelta(hours=1))
    window = open_window()
    window.wait_for_text("[data-verdict]", "Draft: It will not open until it is scheduled.")
    time.sleep(1.5)
    assert window.run_script(COUNTDOWN) is False
    lifecycle.schedule_campaign("sale", actor="Mina")
    window.wait_until(lambda: window.run_script(COUNTDOWN) is True)
    lifecycle.pause_campaign("sale", actor="Theo")
    window.wait_until(lambda: window.run_script(COUNTDOWN) is False)


def test_while_redis_is_away_a_fresh_page_draws_nothing(
    open_window: Callable[..., Browser], draft: Draft, redis_away: Callable[[], None]
) -> None:
    open_sale(draft, stock=5_000)
    redis_away()
    window = open_window()
    window.wait_for_text("[data-verdict]", "Redis does not answer")
    time.sleep(1.5)
    assert window.visible_text("[data-outcomes]").strip() == "?"
    assert window.run_script("return document.querySelector('[data-chart]').children.length") == 0


@pytest.fixture
def mysql_stops(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """For all threads of this process."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OperationalError(2003, "Can't connect to MySQL server")

    return lambda: monkeypatch.setattr(BaseDatabaseWrapper, "cursor", refuse)


def test_mysql_stops_in_an_open_sale_and_comes_back(
    open_window: Callable[..., Browser], draft: Draft, mysql_stops: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    open_sale(draft, stock=5_000)
    sale = lookup.find_snapshot("sale")
    window = open_window()
    window.wait_for_text("[data-figure=stored]", "30")
    mysql_stops()
    strategies.admit(sale, Claim("late"))
    window.wait_for_text("[data-verdict]", AWAY)
    window.wait_for_text("[data-figure=admitted]", "31")
    window.wait_for_text("[data-figure=stored]", "?")
    monkeypatch.undo()
    window.wait_for_text("[data-verdict]", "Going well")
    panel = window.run_script("return location.pathname").replace("live/", "change/")
    origin = window.run_script("return location.origin")
    window.go_to(f"{origin}{panel}")
    window.wait_for_text("[data-count=admitted]", "31")
    mysql_stops()
    strategies.admit(sale, Claim("later"))
    window.wait_for_text(".live .note", AWAY)
    window.wait_for_text("[data-count=admitted]", "32")
    window.wait_for_text("[data-count=stored]", "?")
    window.wait_for_text("[data-light]", "Ready?")
    monkeypatch.undo()
    window.wait_for_text("[data-count=stored]", "30")
    window.go_to(f"{origin}/admin/")
    window.wait_for_text(".home-on [data-count=admitted]", "32")
    mysql_stops()
    strategies.admit(sale, Claim("latest"))
    window.wait_for_text("#home-note", AWAY)
    window.wait_for_text(".home-on [data-count=admitted]", "33")
    window.wait_for_text(".home-on [data-count=stored]", "?")
    window.wait_until_hidden(".home-troubled .ready")
    monkeypatch.undo()
    window.wait_until_gone("#home-note", "MySQL")
    window.wait_for_text(".home-on [data-count=stored]", "30")


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
    window.wait_for_text(".countdown", "01:")
    assert faults_of(window, "light", 1280) == []
    window.save_screenshot(PICTURES / "ready-1280.png")
