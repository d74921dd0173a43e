"""The page of the API's description opens as a list of groups that can be read, in a browser."""

from pathlib import Path
from typing import Any

import pytest

from coupons.api.reference.operations import GROUPS
from tests.browser.chromium import IN_CHROMIUM, start_browser

pytestmark = [*IN_CHROMIUM, pytest.mark.django_db(transaction=True)]
PICTURES = Path("build/pages")


def test_the_docs_open_as_groups_and_an_operation_explains_its_codes(
    live_server: Any, tmp_path: Path
) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with start_browser(tmp_path) as window:
        window.resize_page(1280, 900)
        window.go_to(f"{live_server.url}/api/v1/docs")
        window.wait_for_element(".opblock-tag")
        groups = window.run_script(
            "return [...document.querySelectorAll('.opblock-tag')].map(e => e.dataset.tag)"
        )
        assert groups == list(GROUPS)
        assert window.run_script("return document.querySelectorAll('.opblock').length") == 0
        assert window.run_script("return document.documentElement.scrollHeight") < 3_000
        window.save_screenshot(PICTURES / "docs.png")
        window.click_element(".opblock-tag[data-tag=claims]")
        window.click_element("#operations-claims-claim .opblock-summary")
        window.wait_for_text("#operations-claims-claim", "last_place_at")
        window.wait_for_text("#operations-claims-claim", "what to do")
        window.save_screenshot(PICTURES / "docs-claim.png")
