"""The proof report in Chromium: its page, its file and the summary of the sale, as people see them.

The pictures are kept in build/pages, for people to look at.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from coupons.admission import strategies
from coupons.campaigns import lifecycle, sold_out
from coupons.claims.timestamps import milliseconds_of, moment_of
from coupons.claims.values import Claim
from coupons.issuing.drain import drain
from coupons.models import Campaign, CampaignDemand, ProofReport
from coupons.proof import build, closed_campaign, report_file, report_row
from tests.browser import measures
from tests.browser.chromium import IN_CHROMIUM, Browser, start_browser
from tests.conftest import CampaignMaker

pytestmark = IN_CHROMIUM
PICTURES = Path("build/pages")
PASSWORD = "only-in-this-test"
WIDTHS = {"desk": 1280, "hand": 390}


@pytest.fixture
def proved_sale(open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    known = open_campaign(stock=60, name="가을 세일")
    for number in range(64):
        strategies.admit(known, Claim(f"user-{number}"))
    drain("sale", consumer="test")
    sold_out.record_sold_out()
    campaign = Campaign.objects.get()
    _add_demand(campaign)
    lifecycle.pause_campaign("sale", actor="Mina")
    lifecycle.resume_campaign("sale", actor="Mina")
    lifecycle.close_campaign("sale", actor="Mina")
    campaign = Campaign.objects.get()
    monkeypatch.setattr(closed_campaign, "SETTLED_AFTER", timedelta())
    build.prove_campaign(campaign, actor="proof")
    report_row.ask_report(campaign)
    report_row.compute_asked(until=lambda: False)
    return campaign


def _add_demand(campaign: Campaign) -> None:
    opens_ms = milliseconds_of(campaign.opens_at)
    minute_ms = opens_ms - opens_ms % 60_000
    first = (opens_ms - minute_ms) // 1000
    counts = [1_900, 9_300, 4_100, 2_250, 1_100, 640, 410, 230, 150, 90]
    seconds = {
        str(first + number): {"sold_out": count, "admitted": 60 if number == 0 else 0, "<5": count}
        for number, count in enumerate(counts)
    }
    CampaignDemand.objects.create(campaign=campaign, minute=moment_of(minute_ms), seconds=seconds)


@pytest.fixture(params=["en", "ko"])
def window(request: Any, tmp_path: Path) -> Iterator[tuple[Browser, str]]:
    with start_browser(tmp_path, language=request.param) as browser:
        yield browser, request.param


def test_page_file_and_summary_can_be_read(
    live_server: Any, proved_sale: Campaign, window: tuple[Browser, str], tmp_path: Path
) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    browser, language = window
    User.objects.create_superuser("mina", password=PASSWORD)
    browser.go_to(f"{live_server.url}/admin/")
    browser.log_in("mina", PASSWORD)
    base = f"{live_server.url}/admin/coupons/campaign/{proved_sale.pk}"
    figures = ProofReport.objects.get().figures
    assert figures is not None
    file = tmp_path / "report.html"
    file.write_text(report_file.render_html(figures, language))
    faults: dict[str, Any] = {}
    for name, url in (
        ("report", f"{base}/report/"), ("after-sale", f"{base}/change/"), ("file", file.as_uri()),
    ):  # fmt: skip
        browser.go_to(url)
        browser.wait_for_element("svg")
        for where, width in WIDTHS.items():
            browser.resize_page(width, 900)
            picture = f"{language}-{where}-{name}"
            browser.save_screenshot(PICTURES / f"{picture}.png")
            faults[f"{picture} wider"] = measures.wider_than(browser, width)
            faults[f"{picture} clipped"] = measures.clipped_elements(browser)
        if name != "file":
            for theme in ("light", "dark"):
                faults[f"{picture} {theme}"] = measures.faint_texts(browser, theme)
                browser.save_screenshot(PICTURES / f"{picture}-{theme}.png")
    assert {name: found for name, found in faults.items() if found} == {}
