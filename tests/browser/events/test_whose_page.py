"""18.6: whose page it is: another user's login, a new token of the same user, a token handed over
to a page that is shown already. Nobody gets what is another's."""

import re
from collections.abc import Callable

import pytest

from coupons.campaigns import lifecycle
from coupons.identity import user_tokens
from coupons.store import store
from tests.browser.chromium import IN_CHROMIUM
from tests.browser.events.event_site import EventSite, opens_in
from tests.browser.events.visitors import Visitor, Visitors
from tests.conftest import CampaignMaker, Person

pytestmark = [*IN_CHROMIUM, pytest.mark.django_db(transaction=True)]

SET_TOKEN = "token => { document.querySelector('coupon-button').token = token }"
# Answers of the API come so much later: requests of two users are on their way at once.
SLOW = """ms => { const at = globalThis.fetch; globalThis.fetch = async (...asked) => {
  const answer = await at(...asked);
  if (/claims/.test(asked[0])) await new Promise((done) => setTimeout(done, ms));
  return answer; } }"""


@pytest.fixture
def arrive(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> Callable[..., Visitor]:
    def arrive_at(slug: str, user: str = "ann", **fields: object) -> Visitor:
        open_campaign(slug, **{"stock": 10, **fields})
        visitor = visitors.arrive()
        visitor.go_to(site.page_of(slug, user))
        visitor.wait_for_element("[part=button]")
        return visitor

    return arrive_at


def test_an_answer_to_one_user_is_not_shown_to_the_next(arrive: Callable[..., Visitor]) -> None:
    visitor = arrive("two")
    visitor.wait_for_open()
    visitor.run_in_page(SLOW, 1500)
    visitor.press_without_waiting()
    visitor.wait_until(lambda: store().campaigns.gate("two").remaining == 9)
    visitor.run_in_page(SET_TOKEN, user_tokens.mint_token("bob"))
    visitor.page.wait_for_timeout(3500)
    assert not visitor.is_visible("[part=code]")
    assert visitor.visible_text(".who").startswith("You take part as bob")
    assert store().campaigns.gate("two").remaining == 9, "bob has pressed nothing"
    visitor.run_in_page(SET_TOKEN, user_tokens.mint_token("ann"))
    visitor.wait_for_text("[part=result]", "You were number 1.")


def test_a_new_token_with_the_segment_undoes_not_eligible(arrive: Callable[..., Visitor]) -> None:
    visitor = arrive("vip", audience="vip")
    visitor.wait_for_open()
    visitor.click_element("[part=button]")
    visitor.wait_for_text("[part=message]", "This event is not open to you")
    visitor.run_in_page(SET_TOKEN, user_tokens.mint_token("ann", segments=("vip",)))
    visitor.wait_for_open()
    visitor.click_element("[part=button]")
    visitor.wait_for_text("[part=result]", "It is yours!")


def test_a_token_in_the_fragment_of_a_page_that_is_shown_is_taken_and_hidden(
    arrive: Callable[..., Visitor],
) -> None:
    visitor = arrive("shown")
    visitor.wait_for_text(".who", "ann")
    visitor.run_in_page(
        "token => { location.hash = `token=${token}` }", user_tokens.mint_token("bob")
    )
    visitor.wait_for_text(".who", "bob")
    assert "token" not in visitor.page.url


def test_not_you_forgets_the_visitor(arrive: Callable[..., Visitor]) -> None:
    visitor = arrive("forgotten")
    assert Person("ann").claims("forgotten").status_code == 202
    visitor.reload()
    visitor.wait_for_text("[part=result]", "You have this coupon already.")
    visitor.click_element(".who button")
    visitor.wait_for_text("[part=message]", "please log in at the shop")
    assert not visitor.is_visible("[part=code]") and not visitor.is_visible(".who")
    assert not visitor.run_in_page("sessionStorage.length")


def test_a_login_that_ends_before_the_opening_is_noticed_before_it(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    open_campaign("later", **opens_in(120))
    visitor = visitors.arrive()
    visitor.go_to(site.page_of("later", "ann", lifetime_s=60))
    visitor.wait_for_text("[part=message]", "Your login ends before it opens.")
    told = visitor.visible_text("[part=message]")
    assert re.search(r"again shortly before \d+ \w+ \d{4} at \d\d:\d\d \S+\.$", told), told
    visitor.wait_for_text("[part=login]", "Log in at the shop")
    visitor.go_to("about:blank")
    visitor.go_to(site.page_of("later", "ann", lifetime_s=300))
    visitor.wait_for_element("[part=button]")
    visitor.wait_until(lambda: not visitor.is_visible("[part=login]"))


def test_stock_that_was_raised_takes_the_refusal_away(arrive: Callable[..., Visitor]) -> None:
    visitor = arrive("raised", stock=1)
    assert Person("bob").claims("raised").status_code == 202
    visitor.press_without_waiting()
    visitor.wait_for_text("[part=result]", "You were not among the first.")
    lifecycle.change_stock("raised", stock=2, actor="Mina")
    visitor.wait_until_hidden("[part=result]")
    visitor.wait_for_open()
    visitor.click_element("[part=button]")
    visitor.wait_for_text("[part=result]", "You were number 2.")


def test_who_is_not_logged_in_at_a_sold_out_event_is_told_where(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    open_campaign("gone", stock=1)
    assert Person("bob").claims("gone").status_code == 202
    visitor = visitors.arrive()
    visitor.go_to(site.page_of("gone"))
    visitor.wait_for_text("[part=message]", "To see a coupon of yours or the waitlist")
    visitor.wait_for_text("[part=login]", "Log in at the shop")
