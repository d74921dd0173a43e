"""18.3: the waitlist of a sold-out event, from joining it to a coupon, in a browser."""

import pytest

from tests.browser.chromium import IN_CHROMIUM
from tests.browser.events.event_site import EventSite
from tests.browser.events.page_states import WAITLIST, return_coupon_of
from tests.browser.events.visitors import Visitors
from tests.conftest import CampaignMaker, Person

pytestmark = [*IN_CHROMIUM, pytest.mark.django_db(transaction=True)]

LIST = "[part=waitlist]"


def test_join_leave_join_again_be_offered_and_take_it(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    open_campaign("list", **WAITLIST)
    assert Person("bob").claims("list").status_code == 202
    visitor = visitors.arrive()
    visitor.go_to(site.page_of("list", "ann"))
    for text, then in (
        ("Join the waitlist", "You are number 1 on the waitlist."),
        ("Leave the waitlist", "Join the waitlist"),
        ("Join the waitlist", "You are number 1 on the waitlist."),
    ):
        visitor.click_element(f"{LIST} button:has-text('{text}')")
        visitor.wait_for_text(LIST, then)
    visitor.reload()
    visitor.wait_for_text(LIST, "You are number 1 on the waitlist.")
    return_coupon_of("list", "bob")
    visitor.reload()
    visitor.wait_for_text(LIST, "A coupon is free for you until")
    visitor.click_element(f"{LIST} button:has-text('Take it')")
    visitor.wait_for_text("[part=result]", "It is yours!")
    code = visitor.visible_text("[part=code]")
    visitor.reload()
    visitor.wait_for_text("[part=code]", code)
