"""Every page of operators and API clients, in both languages, on a desktop and on a phone.

The pictures are kept in build/pages, for people to look at.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from coupons import store
from coupons.admission import strategies
from coupons.campaigns import lifecycle, lookup, recorded_states
from coupons.claims.limits import slot_id
from coupons.claims.values import Claim
from coupons.issuing import drain
from coupons.models import Campaign, Coupon, Rehearsal, Slot
from coupons.operations import approvals
from coupons.readiness import guard
from coupons.rehearsal.tally import Tally
from coupons.store import keys
from tests.browser import measures
from tests.browser.chromium import IN_CHROMIUM, Browser, start_browser

PICTURES = Path("build/pages")
PASSWORD = "only-in-this-test"
WIDTHS = {"desk": 1280, "hand": 390}
pytestmark = IN_CHROMIUM


@pytest.fixture
def campaigns_by_name(
    live_server: Any, settings: Any, draft: Callable[..., Campaign]
) -> dict[str, Campaign]:
    """An open campaign with parked claims, one held back, a draft, and a closed one; by name."""
    now, soon = timezone.now(), timezone.now() + timedelta(minutes=9)
    store.store().client.set(keys.SWEPT, store.store().server.now_ms() + 600_000)
    store.store().client.set(keys.CANARY, store.store().server.now_ms() + 600_000)
    made = {
        "autumn": draft("autumn", name="가을 세일", stock=100),
        "spring": draft("spring-2027", name="봄맞이 선착순", opens_at=soon,
                        closes_at=soon + timedelta(hours=1)),
        "winter": draft("winter", name="Winter sale", stock=1_000_000),
        "summer": draft("summer", name="여름 세일", opens_at=now - timedelta(hours=1)),
    }  # fmt: skip
    for slug in ("autumn", "spring-2027", "summer"):
        lifecycle.schedule_campaign(slug, actor="Mina")
    lifecycle.close_campaign("summer", actor="Mina")
    _claimed("autumn")
    _rehearsed(made["winter"])
    settings.REDIS_WAIT_REPLICAS, settings.HOLD_BACK_S = 1, 600  # one red line
    recorded_states.follow_the_clock()
    guard.guard_openings()
    return made


def _rehearsed(campaign: Campaign) -> None:
    now, tally = timezone.now(), Tally()
    for number in range(600):
        tally.add_answer("admitted", "", latency_ms=5 + number % 40, second=number % 37)
    seen = {"en": "Redis may evict keys: its maxmemory-policy is allkeys-lru.", "ko": "키 삭제"}
    do = {"en": "redis-cli CONFIG SET maxmemory-policy noeviction", "ko": "redis-cli CONFIG"}
    Rehearsal.objects.create(
        campaign=campaign, shadow="rehearsal-" + "1" * 20, state="done", running=None, people=600,
        per_second=20, actor="mina", started_at=now, leased_until=now, finished_at=now,
        light="red", figures={"per_second": 19.6, "tally": tally.as_json(), "storing_s": 0.4},
        lines=[{"name": "eviction", "light": "red", "seen": seen, "do": do}],
    )  # fmt: skip


def _claimed(slug: str) -> None:
    sale = lookup.find_snapshot(slug)
    for number in range(70):
        strategies.admit(sale, Claim(f"user-{number:04}@shop.example"))
    Slot.objects.filter(id=slot_id(sale.id, 7)).delete()  # of a claim that must be parked
    drain.drain(slug, consumer="test")


@pytest.fixture
def page_addresses(campaigns_by_name: dict[str, Campaign]) -> dict[str, str]:
    def campaign_address(name: str, below: str = "change") -> str:
        return f"/admin/coupons/campaign/{campaigns_by_name[name].pk}/{below}/"

    lifecycle.change_stock("autumn", stock=120, actor="ann")  # an undo is offered
    request = approvals.ask_close("autumn", actor="ann", reason="the sale is over")
    clerk = User.objects.create_user("clerk", is_staff=True)
    coupon = Coupon.objects.get(user="user-0062@shop.example")
    return {
        "index": "/admin/",
        "campaigns": "/admin/coupons/campaign/",
        "add": "/admin/coupons/campaign/add/",
        "draft": campaign_address("winter"),
        "open": campaign_address("autumn"),
        "held": campaign_address("spring"),
        "closed": campaign_address("summer"),
        "pause": campaign_address("autumn", "do/pause"),
        "close": campaign_address("autumn", "do/close"),
        "requests": "/admin/coupons/approvalrequest/",
        "request": f"/admin/coupons/approvalrequest/{request.pk}/change/",
        "board": campaign_address("spring", "readiness"),
        "rehearsal": campaign_address("winter", "rehearsal"),
        "parked": campaign_address("autumn", "parked"),
        "receipt": campaign_address("autumn", "receipt"),
        "delete": campaign_address("winter", "delete"),
        "coupons": "/admin/coupons/coupon/",
        "coupon": f"/admin/coupons/coupon/{coupon.pk}/change/",
        "audit": "/admin/coupons/auditevent/",
        "nothing": "/admin/nothing/",
        "nowhere": "/admin/coupons/campaign/4711/change/",
        "users": "/admin/auth/user/",
        "user": f"/admin/auth/user/{clerk.pk}/change/",
        "password": "/admin/password_change/",
        "nobody": "/admin/coupons/coupon/?q=nobody",
        "api": "/api/v1/docs",
    }


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_fits_its_window_and_can_be_read(
    live_server: Any, page_addresses: dict[str, str], tmp_path: Path, language: str
) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    faults: dict[tuple[str, ...], Any] = {}
    with start_browser(tmp_path, language=language) as window:
        window.go_to(f"{live_server.url}/admin/")
        _judge(window, f"{language}-{{}}-login", faults)
        _log_in(window)
        for name, address in page_addresses.items():
            window.go_to(live_server.url + address)
            window.wait_for_element(".opblock-tag" if name == "api" else "#content")
            _judge(window, f"{language}-{{}}-{name}", faults)
    assert not faults, "\n".join(f"{where}: {what}" for where, what in faults.items())


def _judge(window: Browser, picture: str, faults: dict[tuple[str, ...], Any]) -> None:
    """Save screenshots of the page, and add what can't be read in it to `faults`."""
    for of, width in WIDTHS.items():
        window.resize_page(width, 900)
        name = picture.format(of)
        window.save_screenshot(PICTURES / f"{name}.png")
        faults[name, "wider"] = measures.wider_than(window, width)
        faults[name, "clipped"] = measures.clipped_elements(window)
        faults[name, "broken"] = measures.broken_words(window)
    for theme in ("light", "dark"):
        faults[name, theme] = measures.faint_texts(window, theme)
    for fault in [fault for fault, found in faults.items() if not found]:
        del faults[fault]


def _log_in(window: Browser) -> None:
    User.objects.create_superuser("mina", password=PASSWORD)
    window.log_in("mina", PASSWORD)
