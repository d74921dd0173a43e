"""18.8: what fails between a press and its answer: the page asks again, and nothing is lost."""

from collections.abc import Callable

import pytest

from coupons.identity import user_tokens
from coupons.store import store
from tests.browser.chromium import IN_CHROMIUM
from tests.browser.events.event_site import WEEK_S, EventSite
from tests.browser.events.visitors import Visitor, Visitors
from tests.conftest import CampaignMaker, Person

pytestmark = [*IN_CHROMIUM, pytest.mark.django_db(transaction=True)]

Arrive = Callable[..., Visitor]
# As the shop's page does.
HAND_OVER = """([page, token]) => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = page;
  form.append(Object.assign(document.createElement("input"), { name: "token", value: token }));
  document.body.append(form);
  form.submit();
}"""


@pytest.fixture
def arrive(site: EventSite, visitors: Visitors, open_campaign: CampaignMaker) -> Arrive:
    """A visitor with a token before an open campaign of this name."""

    def arrive_at(
        slug: str, user: str = "ann", *, lifetime_s: int = WEEK_S, **fields: int
    ) -> Visitor:
        open_campaign(slug, **{"stock": 10, **fields})
        visitor = visitors.arrive()
        visitor.go_to(site.page_of(slug, user, lifetime_s=lifetime_s))
        visitor.wait_for_open()
        return visitor

    return arrive_at


def places_given(slug: str, stock: int = 10) -> int:
    return stock - store().campaigns.gate(slug).remaining


def ask_without_claiming(visitor: Visitor) -> None:
    """A claim that is refused for its form, as the page would send it."""
    visitor.run_in_page("""() => {
        const { api, slug, token } = document.querySelector("coupon-button").opening;
        const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
        return fetch(`${api}/api/v1/campaigns/${slug}/claims`,
          { method: "POST", headers, body: "{" }).then(() => null);
    }""")


def log_in_again(visitor: Visitor, page: str) -> None:
    """By the shop's own page, which leads back."""
    visitor.go_to("about:blank")
    visitor.go_to(page)


def test_while_redis_is_away_the_page_asks_again_by_itself(site: EventSite, arrive: Arrive) -> None:
    visitor = arrive("away")
    site.redis_route.switch_to("refuse")
    visitor.click_element("[part=button]")
    visitor.wait_for_text("[part=message]", "We ask again by ourselves")
    visitor.wait_for_text("[part=button]", "Asking")
    site.redis_route.switch_to("pass")
    visitor.wait_for_text("[part=result]", "It is yours!")
    assert places_given("away") == 1


def test_a_page_that_could_not_be_shown_comes_by_itself_and_the_login_stays(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    open_campaign("late-page", stock=10)
    visitor = visitors.arrive()
    site.redis_route.switch_to("refuse")
    visitor.go_to(site.page_of("late-page", "ann", lang="en"))
    visitor.wait_for_text("h1", "One moment, please")
    assert visitor.axe_violations() == []
    site.redis_route.switch_to("pass")
    visitor.wait_for_text(".who", "You take part as ann")
    visitor.wait_for_open()
    visitor.click_element("[part=button]")
    visitor.wait_for_text("[part=result]", "It is yours!")


def test_a_page_of_the_shops_form_that_could_not_be_shown_comes_by_itself(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    open_campaign("late-form", stock=10)
    visitor = visitors.arrive()
    visitor.go_to(site.page_of("elsewhere"))  # a page of an origin that may hand users over
    site.redis_route.switch_to("refuse")
    visitor.run_in_page(HAND_OVER, [site.page_of("late-form"), user_tokens.mint_token("ann")])
    visitor.wait_for_text("h1", "One moment, please")
    site.redis_route.switch_to("pass")
    visitor.wait_for_text(".who", "You take part as ann")
    visitor.wait_for_open()


def test_a_lost_answer_is_asked_for_again_and_the_place_is_the_same(
    site: EventSite, visitors: Visitors, arrive: Arrive
) -> None:
    visitor = arrive("lost")
    ask_without_claiming(visitor)  # the preflight is answered and remembered
    site.api_route.switch_to("mute")
    visitor.click_element("[part=button]")
    visitor.wait_until(lambda: places_given("lost") == 1)
    assert Person("bob").claims("lost").json()["place"] == 2
    site.api_route.switch_to("refuse")  # the answer is lost now
    visitor.wait_for_text("[part=message]", "No answer yet. We ask again by ourselves")
    site.api_route.switch_to("pass")
    visitor.wait_for_text("[part=result]", "You were number 1.")
    assert visitor.claims_sent() >= 2
    assert places_given("lost") == 2


def test_a_press_that_is_not_answered_is_gone_on_with_after_a_reload(
    site: EventSite, arrive: Arrive
) -> None:
    visitor = arrive("reloaded")
    site.redis_route.switch_to("refuse")
    visitor.click_element("[part=button]")
    visitor.wait_for_text("[part=message]", "We ask again by ourselves")
    site.redis_route.switch_to("pass")
    visitor.reload()
    visitor.wait_for_text("[part=result]", "You were number 1.")
    visitor.reload()
    visitor.wait_for_text("[part=result]", "You have this coupon already.")
    visitor.wait_for_text("[part=result]", "You were number 1.")
    assert places_given("reloaded") == 1


def test_a_refusal_stays_with_its_margin_after_a_reload(arrive: Arrive) -> None:
    visitor = arrive("gone", stock=1)
    assert Person("bob").claims("gone").status_code == 202
    visitor.press_without_waiting()
    visitor.wait_for_text("[part=margin]", "The last coupon went at")
    margin = visitor.visible_text("[part=margin]")
    visitor.reload()
    visitor.wait_for_text("[part=margin]", margin)
    assert visitor.claims_sent() == 1


def test_a_press_while_offline_is_sent_when_the_network_is_back(arrive: Arrive) -> None:
    visitor = arrive("offline")
    visitor.go_offline()
    visitor.click_element("[part=button]")
    visitor.wait_for_text("[part=message]", "You are offline. We ask as soon as you are back.")
    assert places_given("offline") == 0
    visitor.go_offline(False)
    visitor.wait_for_text("[part=result]", "It is yours!")


def end_login(visitor: Visitor) -> None:
    """The users' door refuses this visitor's token from now on, as one that the shop has ended."""
    visitor.run_in_page("""() => {
        const { opening } = document.querySelector("coupon-button");
        opening.token = `${opening.token.slice(0, -4)}AAAA`;
    }""")


def test_a_login_that_ends_while_waiting_is_renewed_and_the_press_is_kept(
    site: EventSite, arrive: Arrive
) -> None:
    visitor = arrive("expired")
    end_login(visitor)
    visitor.click_element("[part=button]")
    visitor.wait_for_text("[part=message]", "Your login has expired.")
    visitor.wait_for_text("[part=login]", "Log in at the shop")
    assert places_given("expired") == 0
    log_in_again(visitor, site.page_of("expired", "ann"))
    visitor.wait_for_text("[part=result]", "It is yours!")
    assert places_given("expired") == 1


def test_a_login_that_has_ended_is_told_before_a_press(site: EventSite, arrive: Arrive) -> None:
    visitor = arrive("ended")
    visitor.go_to("about:blank")
    visitor.go_to(site.page_of("ended", "ann", lifetime_s=-6))  # five seconds are tolerated
    visitor.wait_for_text("[part=message]", "Your login has expired.")
    visitor.wait_for_text("[part=login]", "Log in at the shop")
    assert visitor.claims_sent() == 0


def test_the_press_of_one_user_is_not_gone_on_with_for_another(
    site: EventSite, arrive: Arrive
) -> None:
    visitor = arrive("shared")
    end_login(visitor)
    visitor.click_element("[part=button]")
    visitor.wait_for_text("[part=message]", "Your login has expired.")
    log_in_again(visitor, site.page_of("shared", "bob"))
    visitor.wait_for_open()
    visitor.page.wait_for_timeout(500)
    assert places_given("shared") == 0


@pytest.mark.parametrize("step", ["open", "won"])
def test_back_brings_the_page_as_it_is_now(site: EventSite, arrive: Arrive, step: str) -> None:
    visitor = arrive(f"back-{step}", stock=2)
    if step == "won":
        visitor.click_element("[part=button]")
        visitor.wait_for_text("[part=result]", "You were number 1.")
    visitor.run_in_page("window.leftHere = true")
    visitor.go_to(site.page_of("elsewhere"))
    assert Person("bob").claims(f"back-{step}").status_code == 202
    visitor.page.go_back()
    if step == "won":
        visitor.wait_for_text("[part=result]", "You were number 1.")
        visitor.wait_for_text("[part=stock]", "0 of 2 left")
    else:
        visitor.wait_for_text("[part=stock]", "1 of 2 left")
        visitor.click_element("[part=button]")
        visitor.wait_for_text("[part=result]", "You were number 2.")
