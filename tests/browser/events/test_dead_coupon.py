"""A coupon that no checkout takes any more does not look like one that was won."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest

from coupons.audit.actors import Actor
from coupons.database import clock
from coupons.issuing import drain
from coupons.models import ActorKind, Coupon, CouponLife, CouponState
from coupons.redemption import lifecycle
from tests.browser.chromium import IN_CHROMIUM
from tests.browser.events.event_site import EventSite
from tests.browser.events.page_states import NAMES
from tests.browser.events.visitors import Visitor, Visitors
from tests.conftest import CampaignMaker, Person

pytestmark = [*IN_CHROMIUM, pytest.mark.django_db(transaction=True)]

MINA = Actor(ActorKind.OPERATOR, "Mina")
Kill = Callable[[int], object]


def revoke(pk: int) -> None:
    lifecycle.revoke_coupon(pk=pk, actor=MINA, reason="stolen")


def redeem(pk: int) -> None:
    revoke(pk)
    CouponLife.objects.filter(pk=pk).update(
        state=CouponState.REDEEMED, redemption=uuid.uuid4(), order_ref="o-1"
    )


def expire(pk: int) -> None:
    Coupon.objects.filter(pk=pk).update(expires_at=clock.read_now() - timedelta(hours=1))


def look(
    site: EventSite, visitors: Visitors, slug: str, language: str = "en", user: str = "ann"
) -> Visitor:
    visitor = visitors.arrive(language=language, width=360)
    visitor.go_to(site.page_of(slug, user))
    visitor.wait_for_element("[part=result]:visible")
    return visitor


def headline_color(visitor: Visitor) -> str:
    shadow = "document.querySelector('coupon-button').shadowRoot"
    return str(visitor.run_in_page(f"getComputedStyle({shadow}.querySelector('.headline')).color"))


@pytest.mark.parametrize(
    ("kill", "english", "korean"),
    [
        (revoke, "This coupon was withdrawn.", "회수된 쿠폰입니다."),
        (expire, "This coupon has expired.", "만료된 쿠폰입니다."),
        (redeem, "This coupon has been used.", "사용한 쿠폰입니다."),
    ],
)
def test_the_headline_says_what_became_of_a_dead_coupon_and_its_code_is_not_to_be_copied(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker,
    kill: Kill, english: str, korean: str,
) -> None:  # fmt: skip
    open_campaign("dead", name=NAMES["en"])
    Person("ann").claims("dead")
    drain.drain("dead", consumer="test")
    alive = look(site, visitors, "dead")
    assert "Copy the code" in alive.visible_text("[part=result]")
    green = headline_color(alive)
    kill(Coupon.objects.get().pk)
    for language, headline in (("en", english), ("ko", korean)):
        visitor = look(site, visitors, "dead", language)
        shown = visitor.visible_text("[part=result]")
        assert shown.startswith(headline)
        assert visitor.page.locator("[part=code]").count() == 0
        assert "Copy the code" not in shown and "번호 복사" not in shown
        assert headline_color(visitor) != green
    assert visitor.axe_violations() == []


def test_of_two_coupons_the_living_one_is_shown_as_won_and_the_dead_one_as_dead(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    open_campaign("two", name=NAMES["en"], per_user=2)
    for nth in (1, 2):
        Person("ann").claims("two", {"nth": nth})
    drain.drain("two", consumer="test")
    revoke(Coupon.objects.get(nth=1).pk)
    visitor = look(site, visitors, "two")
    visitor.wait_for_text("[part=result]", "You were number 2.")
    shown = visitor.visible_text("[part=result]")
    assert shown.startswith("You have this coupon already.")
    assert "This coupon was withdrawn." in shown
    assert visitor.page.locator("[part=code]").count() == 1
    revoke(Coupon.objects.get(nth=2).pk)
    visitor.reload()
    visitor.wait_for_text("[part=result]", "None of your coupons can be used any more.")


def test_a_press_that_finds_a_dead_coupon_of_before_does_not_say_that_it_is_won(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker
) -> None:
    open_campaign("found", name=NAMES["en"])
    visitor = visitors.arrive(width=360)
    visitor.go_to(site.page_of("found", "ann"))
    visitor.wait_for_open()
    Person("ann").claims("found")  # in another window
    drain.drain("found", consumer="test")
    revoke(Coupon.objects.get().pk)
    visitor.click_element("[part=button]")
    visitor.wait_for_text("[part=result]", "This coupon was withdrawn.")
    assert "It is yours!" not in visitor.visible_text("[part=result]")
