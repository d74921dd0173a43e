"""Support's page "why not" in a real browser: in both languages, on a desktop and on a phone.

The pictures are kept in build/pages, for people to look at."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from coupons.admission import strategies
from coupons.claims.values import Claim
from coupons.observability.refusal_notes import hand_on_notes, note_refusal
from tests.browser import measures
from tests.browser.chromium import IN_CHROMIUM, start_browser
from tests.conftest import CampaignMaker

pytestmark = IN_CHROMIUM

PICTURES = Path("build/pages")
PASSWORD = "only-in-this-test"
USER = "0199e0a4-3c1e-7c5e-9d5b-3f1f2a4b5c6d"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_look_up_fits_its_window_and_its_sentence_is_copied(
    live_server: Any, open_campaign: CampaignMaker, tmp_path: Path, language: str
) -> None:
    sale = open_campaign("lunch", name="점심 쿠폰", stock=1)
    now_ms = strategies.admit(sale, Claim("ann")).at_ms
    note_refusal("lunch", USER, 1, "not_open", now_ms - 9_000)
    note_refusal("lunch", USER, 0, "too_many_requests", now_ms + 100)
    for _ in range(3):
        strategies.admit(sale, Claim(USER))
    hand_on_notes()
    PICTURES.mkdir(parents=True, exist_ok=True)
    User.objects.create_superuser("mina", password=PASSWORD)
    faults: dict[tuple[str, ...], Any] = {}
    with start_browser(tmp_path, language=language) as window:
        window.go_to(f"{live_server.url}/admin/coupons/why/")
        window.log_in("mina", PASSWORD)
        window.type_text("#why-campaign", "lunch")
        window.type_text("#why-user", USER)
        window.click_element(".why-form [type=submit]")
        window.wait_for_element("#attempts")
        for of, width in (("desk", 1280), ("hand", 390)):
            window.resize_page(width, 900)
            for theme in ("light", "dark"):
                name = f"{language}-{of}-why-{theme}"
                faults[name, "faint"] = measures.faint_texts(window, theme)
                window.save_screenshot(PICTURES / f"{name}.png")
            faults[name, "wider"] = measures.wider_than(window, width)
            faults[name, "clipped"] = measures.clipped_elements(window)
            faults[name, "broken"] = measures.broken_words(window)
        assert len(window.visible_text("#attempts").splitlines()) > 3
        window.click_element("[data-copy=sentence-ko]")
        window.wait_for_text("[data-copy=sentence-ko]", {"en": "Copied", "ko": "복사"}[language])
    assert not {where: what for where, what in faults.items() if what}
