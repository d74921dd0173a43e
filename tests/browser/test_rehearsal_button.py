"""The button "Rehearse" in a real browser: it says at once what it does, and sends one form."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.models import Campaign
from tests.browser.chromium import IN_CHROMIUM, Browser, start_browser

pytestmark = IN_CHROMIUM
PASSWORD = "only-in-this-test"
# Of a site that takes seconds: what is sent is counted, and the page stays.
HELD = """window.addEventListener("submit", (event) => {
  document.body.dataset.count = Number(document.body.dataset.count ?? 0) + !event.defaultPrevented;
  event.preventDefault();
})"""


@pytest.fixture
def rehearsal_page(
    live_server: Any, tmp_path: Path, open_campaign: Callable[..., CampaignSnapshot]
) -> Iterator[Browser]:
    open_campaign("sale", stock=10)
    User.objects.create_superuser("mina", password=PASSWORD)
    with start_browser(tmp_path) as window:
        pk = Campaign.objects.get().pk
        window.go_to(f"{live_server.url}/admin/coupons/campaign/{pk}/rehearsal/")
        window.log_in("mina", PASSWORD)
        window.wait_for_text("#board header", "Never rehearsed.")
        yield window


def test_while_the_form_is_sent_the_page_says_so_and_sends_no_second_one(
    rehearsal_page: Browser,
) -> None:
    rehearsal_page.run_script(HELD)
    rehearsal_page.click_element(".rehearsal-form button")
    rehearsal_page.click_element(".rehearsal-form button")
    rehearsal_page.wait_for_text("#board header strong", "It begins …")
    assert rehearsal_page.run_script("return document.body.dataset.count") == "1"
