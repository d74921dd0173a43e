"""18.3: the event page by keyboard and by ear."""

import pytest

from tests.browser.chromium import IN_CHROMIUM
from tests.browser.events.event_site import EventSite, opens_in
from tests.browser.events.visitors import SCRIPTS, Visitor, Visitors
from tests.conftest import CampaignMaker

pytestmark = [*IN_CHROMIUM, pytest.mark.django_db(transaction=True)]

FOCUSED = "document.querySelector('coupon-button').shadowRoot.activeElement?.getAttribute('part')"


def listen_to(visitor: Visitor) -> None:
    visitor.run_in_page((SCRIPTS / "hear_live_regions.js").read_text())


def heard_by(visitor: Visitor) -> list[str]:
    return list(visitor.run_in_page("heard"))


def arrive_before(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker, seconds: float
) -> Visitor:
    open_campaign("soon", **opens_in(seconds))
    visitor = visitors.arrive()
    visitor.go_to(site.page_of("soon", "ann"))
    visitor.wait_for_text("[part=countdown]", "00:0")
    return visitor


def test_by_keyboard_from_the_countdown_to_the_code(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    """The button has the focus before it opens: then one key, as one click."""
    visitor = arrive_before(site, visitors, open_campaign, 4)
    tabs = 0
    while visitor.run_in_page(FOCUSED) != "button":
        visitor.press_key("Tab")
        tabs += 1
        assert tabs <= 4, "the button is reached by few keys"
    visitor.wait_for_open()
    assert visitor.run_in_page(FOCUSED) == "button", "opening takes the focus from nobody"
    visitor.press_key("Enter")
    visitor.wait_for_text("[part=result]", "It is yours!")
    assert visitor.run_in_page(FOCUSED) == "result", "it does not fall back to the page's start"
    visitor.press_key("Tab")
    visitor.press_key("Enter")
    visitor.wait_for_text("[part=result]", "Copied")


def test_complaint_75_a_screen_reader_does_not_hear_every_second(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    visitor = arrive_before(site, visitors, open_campaign, 600)
    listen_to(visitor)
    visitor.page.wait_for_timeout(3500)
    assert heard_by(visitor) == []
    visitor.run_in_page(
        "document.querySelector('coupon-button').shadowRoot"
        ".querySelector('[part=countdown]').setAttribute('aria-live', 'polite')"
    )
    visitor.page.wait_for_timeout(3500)
    assert len(heard_by(visitor)) >= 2, "control: a countdown in a polite region"


def test_a_screen_reader_hears_the_opening_and_the_answer(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    visitor = arrive_before(site, visitors, open_campaign, 4)
    listen_to(visitor)
    visitor.wait_for_open()
    visitor.click_element("[part=button]")
    visitor.wait_for_text("[part=result]", "It is yours!")
    visitor.wait_until(lambda: "It is yours!" in heard_by(visitor))
    heard = heard_by(visitor)
    assert "Open now" in heard
    assert len(heard) <= 5
