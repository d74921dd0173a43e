"""The button that undoes: its time runs down in a real browser, and then it is gone."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from coupons.campaigns import lifecycle
from coupons.database import clock
from coupons.models import Campaign, Undoable
from coupons.operations import approvals
from coupons.operations.undo import UNDO_FOR
from tests.browser import measures
from tests.browser.chromium import IN_CHROMIUM, start_browser

pytestmark = IN_CHROMIUM
PICTURES = Path("build/pages/undo")
PASSWORD = "only-in-this-test"


@pytest.mark.parametrize("page", ["change", "live"])
def test_the_time_of_an_undo_runs_down_and_its_button_goes(
    live_server: Any, tmp_path: Path, open_campaign: Callable[..., Any], page: str
) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    open_campaign("sale", stock=43)
    lifecycle.change_stock("sale", stock=60, actor="ann")
    asked = approvals.ask_close("sale", actor="ann", reason="the sale is over")
    User.objects.create_superuser("mina", password=PASSWORD)
    address = f"{live_server.url}/admin/coupons/campaign/{Campaign.objects.get().pk}/{page}/"
    with start_browser(tmp_path) as window:
        window.go_to(f"{live_server.url}/admin/")
        window.log_in("mina", PASSWORD)
        window.wait_for_text(".menu-count", "1")
        window.wait_for_text(".home-asked", "asked by ann")
        window.save_screenshot(PICTURES / "home.png")
        window.go_to(f"{live_server.url}/admin/coupons/approvalrequest/{asked.pk}/change/")
        window.wait_for_text("#content", "as of now")
        window.save_screenshot(PICTURES / "request.png")
        window.go_to(address)
        window.wait_for_text(".undos", "60 → 43")
        for width in (390, 1280):
            window.resize_page(width, 900)
            window.save_screenshot(PICTURES / f"{page}-{width}.png")
            assert measures.wider_than(window, width) == []
        for theme in ("light", "dark"):
            assert measures.faint_texts(window, theme) == []
        Undoable.objects.update(at=clock.read_now() - UNDO_FOR + timedelta(seconds=15))
        window.go_to(address)
        window.wait_for_text(".undos [data-undo-left]", "0:02")
        window.wait_until_gone("#content", "60 → 43")
