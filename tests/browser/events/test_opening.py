"""18.8: an opening, and each answer of a campaign, in a real browser on two origins."""

import re

import pytest

from coupons.campaigns import lifecycle
from coupons.store import store
from tests.browser.chromium import IN_CHROMIUM
from tests.browser.events.event_site import EventSite, opens_in
from tests.browser.events.visitors import Visitors
from tests.conftest import CampaignMaker, Person

pytestmark = [*IN_CHROMIUM, pytest.mark.django_db(transaction=True)]


def test_two_press_at_the_opening_and_one_gets_the_only_coupon(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    open_campaign("t0", stock=1, **opens_in(4))
    both = [visitors.arrive(), visitors.arrive(width=360)]
    for visitor, user in zip(both, ("ann", "bob"), strict=True):
        visitor.go_to(site.page_of("t0", user))
        visitor.wait_for_element("[part=button]")
    for visitor in both:
        visitor.wait_for_open()
        visitor.press_without_waiting()
    for visitor in both:
        visitor.wait_for_element("[part=result] .headline")
    headlines = [visitor.visible_text("[part=result] .headline") for visitor in both]
    assert sorted(headlines) == ["All coupons are gone.", "It is yours!"]
    assert store().campaigns.gate("t0").remaining == 0
    loser = both[headlines.index("All coupons are gone.")]
    loser.wait_for_text("[part=result]", "The last coupon went at")
    assert re.search(r"you were answered at \d\d:\d\d:\d\d\.\d{3}: \d\.\d\d s later",
                     loser.visible_text("[part=result]"))  # fmt: skip
    assert not loser.is_visible("[part=button]")
    assert "0 of 1 left" in loser.visible_text("[part=stock]"), "at once, before the next poll"


def test_who_is_not_logged_in_sees_where_to_log_in(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    open_campaign("strangers")
    visitor = visitors.arrive()
    visitor.go_to(site.page_of("strangers"))
    visitor.wait_for_text("[part=message]", "please log in at the shop")
    assert visitor.attribute("[part=login]", "href") == "https://shop.example/login?event=strangers"
    assert not visitor.is_visible("[part=button]")


def test_the_token_is_kept_in_this_window_and_in_no_address(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    open_campaign("kept")
    visitor = visitors.arrive()
    visitor.go_to(site.page_of("kept", "ann"))
    visitor.wait_for_open()
    assert visitor.page.url == site.page_of("kept")
    assert visitor.run_in_page("document.cookie + JSON.stringify(localStorage)") == "{}"
    assert not [sent for sent in visitor.seen.requests if "eyJ" in sent]


def test_a_double_press_is_one_request_and_another_window_gets_the_same_place(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    open_campaign("double", stock=10)
    one, other = visitors.arrive(), visitors.arrive()
    for window in (one, other):
        window.go_to(site.page_of("double", "ann"))
        window.wait_for_open()
    one.page.dblclick("[part=button]")
    one.wait_for_text("[part=result]", "You were number 1.")
    assert one.claims_sent() == 1
    other.click_element("[part=button]")
    other.wait_for_text("[part=result]", "You were number 1.")
    assert other.visible_text("[part=code]") == one.visible_text("[part=code]")
    assert store().campaigns.gate("double").remaining == 9


def test_the_page_follows_a_pause_a_resumption_and_the_end(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    open_campaign("changing")
    visitor = visitors.arrive()
    visitor.go_to(site.page_of("changing", "ann"))
    visitor.wait_for_open()
    lifecycle.pause_campaign("changing", actor="Mina")
    visitor.wait_for_text("[part=state]", "Paused")
    visitor.wait_for_element("[part=button][aria-disabled=true]")
    lifecycle.resume_campaign("changing", actor="Mina")
    visitor.wait_for_open()
    lifecycle.close_campaign("changing", actor="Mina")
    visitor.wait_for_text("[part=state]", "This event is over.")
    assert not visitor.is_visible("[part=button]")


def test_a_press_before_the_opening_says_when_it_opens_and_asks_nothing(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    open_campaign("early", **opens_in(600))
    visitor = visitors.arrive()
    visitor.go_to(site.page_of("early", "ann"))
    visitor.wait_for_text("[part=countdown]", "00:09:5")
    visitor.page.locator("[part=button]").click(force=True)  # it is aria-disabled
    visitor.wait_for_text("[part=message]", "Not open yet. It opens at")
    assert visitor.claims_sent() == 0


def test_who_is_not_of_the_audience_is_told_so(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    open_campaign("gold", audience="gold")
    visitor = visitors.arrive()
    visitor.go_to(site.page_of("gold", "ann"))
    visitor.wait_for_open()
    visitor.click_element("[part=button]")
    visitor.wait_for_text("[part=message]", "This event is not open to you")
    assert not visitor.is_visible("[part=button]")


def test_an_unknown_event_has_a_page_that_says_so(site: EventSite, visitors: Visitors) -> None:
    visitor = visitors.arrive()
    visitor.go_to(site.page_of("nothing"))
    visitor.wait_for_text("h1", "No such event")


def test_a_sold_out_event_says_so_to_who_comes_late(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    open_campaign("gone", stock=1)
    assert Person("bob").claims("gone").status_code == 202
    visitor = visitors.arrive()
    visitor.go_to(site.page_of("gone", "ann"))
    visitor.wait_for_text("[part=state]", "All coupons are gone.")
    visitor.wait_for_text("[part=stock]", "0 of 1 left")
    assert not visitor.is_visible("[part=button]")
