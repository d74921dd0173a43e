"""20: an operator's day, from a new campaign to its proof, in a real browser: make, rehearse, look
whether it is ready, open, see that a worker stands still, pause, resume, raise the stock, sold out,
answer a customer, close with a second person, prove."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone

from coupons.admission import strategies
from coupons.campaigns import lookup, sold_out
from coupons.claims.values import Claim, Outcome
from coupons.issuing import drain
from coupons.models import AuditEvent, Campaign, Coupon
from coupons.observability import hot_counters
from coupons.observability.refusal_notes import hand_on_notes
from coupons.proof import build, closed_campaign, published, report_row
from coupons.rehearsal import work
from coupons.store import keys, store
from tests.browser.chromium import IN_CHROMIUM, Browser, start_browser
from tests.conftest import Settings
from tests.coupons.rehearsal.conftest import Site, site

__all__ = ["site"]  # a fixture: a web process and a worker

pytestmark = [*IN_CHROMIUM, pytest.mark.django_db(transaction=True)]

PASSWORD = "only-in-this-test"
STORING = "Storing stands still"


@pytest.fixture
def mina(live_server: Any, tmp_path: Path) -> Iterator[Browser]:
    """The operator's window."""
    User.objects.create_superuser("mina", password=PASSWORD)
    with start_browser(tmp_path / "mina") as window:
        window.go_to(f"{live_server.url}/admin/")
        window.log_in("mina", PASSWORD)
        yield window


def mark_workers() -> None:
    """Beat and a worker answer, for as long as the test lasts."""
    for name in (keys.SWEPT, keys.CANARY):
        store().client.set(name, store().server.now_ms() + 600_000)


def fill_form(window: Browser) -> None:
    opens = timezone.localtime(timezone.now() + timedelta(minutes=9))
    window.type_text("#id_slug", "autumn")
    window.type_text("#id_name", "가을 세일")
    window.run_script("document.querySelector('#id_stock').value = '20'")
    for name, at in (("opens_at", opens), ("closes_at", opens + timedelta(hours=1))):
        window.run_script(
            f"document.querySelector('[name={name}]').value = '{at:%Y-%m-%d %H:%M:%S}'"
        )
    window.run_script("document.querySelector('[name=discount_value]').value = '15'")
    window.run_script("document.querySelector('[name=valid_days]').value = '30'")
    window.click_element("input[name=_continue]")


def claim(*users: str) -> list[Outcome]:
    sale = lookup.find_snapshot("autumn")
    outcomes = [strategies.admit(sale, Claim(user)).outcome for user in users]
    hot_counters.count_and_send()
    return outcomes


def rehearse_to_the_end() -> None:
    while work.work_on_rehearsal():
        pass
    connections.close_all()


def change_places(window: Browser, name: str, url: str) -> None:
    """Another person logs in at this window."""
    window.forget_cookies()
    window.go_to(url)
    window.log_in(name, PASSWORD)


def test_20_a_day_of_an_operator(
    live_server: Any, site: Site, mina: Browser, settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    settings.WARM_UP_URLS = [site.url]
    mark_workers()
    admin = f"{live_server.url}/admin/coupons"

    mina.go_to(f"{admin}/campaign/add/")
    fill_form(mina)
    mina.wait_for_text(".campaign-name", "가을 세일")
    autumn = Campaign.objects.get(slug="autumn")
    pages = f"{admin}/campaign/{autumn.pk}"
    mina.click_element("text=Schedule …")
    mina.click_element(".command-buttons button")
    mina.wait_for_text(".messagelist", "autumn is scheduled now.")

    mina.go_to(f"{pages}/rehearsal/")
    for name, value in (("people", 20), ("per_second", 20)):
        mina.run_script(f"document.querySelector('[name={name}]').value = '{value}'")
    mina.click_element("[name=beside]")
    mina.click_element(".rehearsal-form button")
    mina.wait_for_element("progress")
    with ThreadPoolExecutor(1) as worker:  # this thread has Playwright's event loop
        worker.submit(rehearse_to_the_end).result()
    mina.wait_for_element("#board .light")
    mina.go_to(f"{pages}/readiness/")
    board = "return document.querySelector('#board').textContent"
    mina.wait_until(lambda: "rehearsed" in mina.run_script(board))  # green lines are folded

    mina.go_to(f"{pages}/live/")
    mina.wait_for_text(".countdown", "opens in")
    clock = mina.run_script("return document.querySelector('.countdown b').textContent")
    assert clock in mina.visible_text("[data-verdict]")
    mina.go_to(f"{pages}/change/")
    mina.click_element("text=Open now …")
    mina.click_element(".command-buttons button")
    mina.wait_for_text(".messagelist", "autumn is open now.")

    mina.go_to(f"{pages}/live/")
    claim(*(f"user-{number}" for number in range(10)))
    mina.wait_for_text("[data-figure=waiting]", "10")
    mina.wait_for_text("[data-verdict]", STORING)  # nobody drains
    drain.drain("autumn", consumer="test")
    mina.wait_for_text("[data-figure=stored]", "10")
    mina.wait_until_gone("[data-verdict]", STORING)

    mina.click_element("button[value=pause]")
    mina.click_element("button[name=reason]")
    mina.wait_for_text(".messagelist", "autumn is paused now.")
    assert claim("early") == [Outcome.PAUSED]
    mina.click_element("button[value=resume]")
    mina.wait_for_text("[data-state]", "open")

    mina.go_to(f"{pages}/live/")
    mina.run_script("document.querySelector('#stock').value = '12'")
    mina.click_element(".stock button[type=submit]")
    mina.wait_for_text(".command .errornote", "The stock becomes 12; it is 20 now.")
    mina.click_element(".command-buttons button")
    mina.wait_for_text(".messagelist", "12")
    assert claim("user-10", "user-11", "late") == [
        Outcome.ADMITTED, Outcome.ADMITTED, Outcome.SOLD_OUT,
    ]  # fmt: skip
    drain.drain("autumn", consumer="test")
    sold_out.record_sold_out()
    hand_on_notes()
    mina.go_to(f"{pages}/change/")
    mina.wait_for_text(".live .sold-out", "sold out")

    mina.go_to(f"{pages}/why/")
    mina.type_text("#why-user", "late")
    mina.click_element(".why-form [type=submit]")
    mina.wait_for_text("#attempts", "sold out")
    mina.wait_for_text("#sentence-ko", "선착순")

    mina.go_to(f"{pages}/change/")
    mina.click_element("a.destructive")
    mina.type_text("#id_typed_slug", "autumn")
    mina.type_text("#id_why", "everything is given")
    mina.click_element(".command-buttons .destructive")
    mina.wait_for_text(".messagelist", "waits for another person's approval")
    User.objects.create_superuser("theo", password=PASSWORD)
    change_places(mina, "theo", f"{admin}/approvalrequest/")
    mina.click_element("#result_list tbody th a")
    mina.click_element("button[value=approve]")
    mina.wait_for_text(".messagelist", "Approved, and done.")
    autumn.refresh_from_db()
    assert autumn.state == Campaign.State.CLOSED

    monkeypatch.setattr(closed_campaign, "SETTLED_AFTER", timedelta())
    build.prove_campaign(autumn, actor="proof")
    report_row.ask_report(autumn)
    report_row.compute_asked(until=lambda: False)
    change_places(mina, "mina", f"{pages}/report/")
    proof = published.find_published(autumn.pk)
    assert proof is not None
    mina.wait_for_text("#content", proof.root)
    assert Coupon.objects.filter(campaign=autumn).count() == 12
    done_by = AuditEvent.objects.filter(actor__in=["mina", "theo"]).values_list("actor", flat=True)
    assert set(done_by) == {"mina", "theo"}
