"""18.3: the event page in a browser without JavaScript: by plain forms, with the strict policy."""

from collections.abc import Callable

import pytest

from coupons.identity import user_tokens
from coupons.store import store
from tests.browser.chromium import IN_CHROMIUM
from tests.browser.events.event_site import EventSite
from tests.browser.events.visitors import Visitor, Visitors
from tests.conftest import CampaignMaker, Person

pytestmark = [*IN_CHROMIUM, pytest.mark.django_db(transaction=True)]

Arrive = Callable[..., Visitor]
# The shop's page: a form hands the user over.
SHOP = """<form method="post" action="{page}"><input type="hidden" name="token" value="{token}">
<button>To the event</button></form>"""


@pytest.fixture
def arrive(site: EventSite, visitors: Visitors, open_campaign: CampaignMaker) -> Arrive:
    """A visitor whom the shop has handed over."""

    def arrive_at(slug: str, *, javascript: bool = False, **fields: int) -> Visitor:
        open_campaign(slug, **{"stock": 5, **fields})
        visitor = visitors.arrive(javascript=javascript, width=360)
        visitor.page.route("**/*.js", lambda route: route.abort())
        token = user_tokens.mint_token("ann")
        visitor.go_to(site.page_of("elsewhere"))  # a page of an origin that may hand users over
        visitor.page.set_content(SHOP.format(page=site.page_of(slug), token=token))
        visitor.click_element("button")
        visitor.wait_for_text(".plain", "left.")
        return visitor

    return arrive_at


def test_a_visitor_claims_by_a_form_and_a_reload_shows_the_same_coupon(arrive: Arrive) -> None:
    visitor = arrive("plain")
    visitor.click_element(".plain button")
    visitor.wait_for_text(".plain", "You have a coupon.")
    code = visitor.visible_text(".plain .code")
    visitor.reload()  # posts the form once more
    assert visitor.visible_text(".plain .code") == code
    assert store().campaigns.gate("plain").remaining == 4
    assert "eyJ" not in visitor.page.url


def test_who_comes_too_late_reads_so(arrive: Arrive) -> None:
    visitor = arrive("late", stock=1)
    assert Person("bob").claims("late").status_code == 202
    visitor.click_element(".plain button")
    visitor.wait_for_text(".plain", "All coupons are gone. You were not among the first.")


def test_while_redis_is_away_the_form_can_be_sent_again(site: EventSite, arrive: Arrive) -> None:
    visitor = arrive("again")
    site.redis_route.switch_to("refuse")
    visitor.click_element(".plain button")
    visitor.wait_for_element("main")
    site.redis_route.switch_to("pass")
    visitor.page.wait_for_timeout(1500)  # the circuit breaker's pause
    visitor.reload()
    visitor.wait_for_text(".plain", "You have a coupon.")
    assert store().campaigns.gate("again").remaining == 4


def test_axe_finds_nothing_in_the_plain_page(arrive: Arrive) -> None:
    """Its script is not loaded: axe itself needs a browser with JavaScript."""
    visitor = arrive("judged", javascript=True)
    for theme in ("light", "dark"):
        visitor.set_theme(theme)
        assert visitor.axe_violations() == []
    visitor.click_element(".plain button")
    visitor.wait_for_text(".plain", "You have a coupon.")
    assert visitor.axe_violations() == []
