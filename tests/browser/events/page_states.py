"""The states of the public pages, each brought about in a browser by what really leads to it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from coupons.audit.actors import Actor
from coupons.campaigns import lifecycle
from coupons.grants import returns
from coupons.issuing import drain
from coupons.models import ActorKind, Coupon
from coupons.redemption import lifecycle as coupon_lifecycle
from tests.browser.events.event_site import WEEK_S, EventSite, opens_in
from tests.browser.events.visitors import Visitor, Visitors
from tests.conftest import CampaignMaker, Person

NAMES = {"en": "Autumn sale: 20% off everything", "ko": "가을맞이 전 상품 20% 선착순 쿠폰"}
WAITLIST = {"stock": 1, "returns_to": "waitlist", "waitlist_limit": 5, "offer_hours": 24}


def return_coupon_of(slug: str, user: str, **which: int) -> None:
    """An operator withdraws this user's coupon, and the waitlist gets it."""
    drain.drain(slug, consumer="test")
    coupon_lifecycle.revoke_coupon(
        pk=Coupon.objects.get(user=user, **which).pk,
        actor=Actor(ActorKind.OPERATOR, "Mina"),
        reason="stolen",
        returns=True,
    )
    returns.give_on_everywhere()


@dataclass
class Stage:
    """One window, which shows one state after the other."""

    site: EventSite
    visitors: Visitors
    open_campaign: CampaignMaker
    language: str
    visitor: Visitor = field(init=False)

    def __post_init__(self) -> None:
        self.visitor = self.visitors.arrive(language=self.language, zone="Asia/Seoul", width=360)

    def show(self, slug: str, user: str = "ann", wait: str = "", **fields: Any) -> Visitor:
        """The page of a new campaign; `wait`: the element that is there when all is loaded."""
        lifetime_s = fields.pop("lifetime_s", WEEK_S)
        values = {"stock": 100, "discount_value": 20, "minimum_order": 30_000, **fields}
        self.open_campaign(slug, name=NAMES[self.language], **values)
        return self.show_again(slug, user, wait, lifetime_s=lifetime_s)

    def show_again(
        self, slug: str, user: str = "ann", wait: str = "", lifetime_s: int = WEEK_S
    ) -> Visitor:
        self.visitor.go_to("about:blank")
        self.visitor.go_to(self.site.page_of(slug, user, lifetime_s=lifetime_s))
        self.visitor.wait_for_element(wait or "[part=button][aria-disabled=false]")
        return self.visitor

    def press(self, then: str) -> Visitor:
        self.visitor.click_element("[part=button]")
        self.visitor.wait_for_element(then)
        return self.visitor


def scheduled(stage: Stage) -> None:
    stage.show("scheduled", wait="[part=clock]:not(:empty)", **opens_in(123_456))


def scheduled_stranger(stage: Stage) -> None:
    stage.show("stranger", user="", wait="[part=login]:visible", **opens_in(1500))


def early(stage: Stage) -> None:
    visitor = stage.show("early", wait="[part=clock]:not(:empty)", **opens_in(1500))
    visitor.page.locator("[part=button]").click(force=True)
    visitor.wait_for_element("[part=message]:not(:empty)")


def is_open(stage: Stage) -> None:
    stage.show("open", stock=100)


def asking(stage: Stage) -> None:
    stage.show("asking")
    stage.site.redis_route.switch_to("refuse")
    stage.press("[part=message]:not(:empty)")


def offline(stage: Stage) -> None:
    stage.show("offline").go_offline()
    stage.press("[part=message]:not(:empty)")


def won(stage: Stage) -> None:
    stage.show("won")
    stage.press("[part=code]")


def won_another(stage: Stage) -> None:
    stage.show("more", per_user=3)
    stage.press("[part=code]")


def kept(stage: Stage) -> None:
    stage.show("kept")
    stage.press("[part=code]")
    drain.drain("kept", consumer="test")
    stage.visitor.reload()
    stage.visitor.wait_for_element(".mine li")
    stage.visitor.click_element("[part=receipt] summary")


def withdrawn(stage: Stage) -> None:
    stage.show("gone-again", per_user=2)
    for nth in (1, 2):
        Person("ann").claims("gone-again", {"nth": nth})
    return_coupon_of("gone-again", "ann", place=1)
    stage.show_again("gone-again", wait="[part=dead-code]")
    stage.visitor.wait_for_element("[part=code]")


def refused(stage: Stage) -> None:
    stage.show("refused", stock=1)
    Person("bob").claims("refused")
    stage.visitor.press_without_waiting()
    stage.visitor.wait_for_element("[part=margin]")


def sold_out(stage: Stage) -> None:
    stage.open_campaign("gone", name=NAMES[stage.language], stock=1)
    Person("bob").claims("gone")
    stage.show_again("gone", wait="[part=state].sold_out")


def paused(stage: Stage) -> None:
    stage.open_campaign("paused", name=NAMES[stage.language])
    lifecycle.pause_campaign("paused", actor="Mina")
    stage.show_again("paused", wait="[part=state].paused")


def closed(stage: Stage) -> None:
    stage.open_campaign("closed", name=NAMES[stage.language])
    lifecycle.close_campaign("closed", actor="Mina")
    stage.show_again("closed", wait="[part=state].closed")


def not_eligible(stage: Stage) -> None:
    stage.show("gold", audience="gold")
    stage.press("[part=message]:not(:empty)")
    stage.visitor.wait_until_hidden("[part=button]")


def expired(stage: Stage) -> None:
    stage.show("expired", wait="[part=login]:visible", lifetime_s=-6)


def ends_too_soon(stage: Stage) -> None:
    stage.show("soon", wait="[part=login]:visible", lifetime_s=300, **opens_in(1500))


def waitlist_open(stage: Stage) -> None:
    stage.open_campaign("list", name=NAMES[stage.language], **WAITLIST)
    Person("bob").claims("list")
    stage.show_again("list", wait="[part=waitlist] button")


def waiting(stage: Stage) -> None:
    waitlist_open(stage)
    stage.visitor.click_element("[part=waitlist] button")
    stage.visitor.wait_for_element("[part=position]")


def offered(stage: Stage) -> None:
    waiting(stage)
    return_coupon_of("list", "bob")
    stage.visitor.reload()
    stage.visitor.wait_for_element("[part=waitlist] button.main")


def served(stage: Stage) -> None:
    offered(stage)
    stage.visitor.click_element("[part=waitlist] button.main")
    stage.visitor.wait_for_element("[part=code]")


def unknown(stage: Stage) -> None:
    stage.visitor.go_to(stage.site.page_of("nothing"))


def unavailable(stage: Stage) -> None:
    stage.open_campaign("away")
    stage.site.redis_route.switch_to("refuse")
    stage.visitor.go_to(stage.site.page_of("away"))


def _list_events(stage: Stage, many: int) -> None:
    """The list, when it has so many: it is served from memory for two seconds."""

    def shows_them() -> bool:
        stage.visitor.go_to(f"{stage.site.pages}/events")
        return stage.visitor.page.locator(".events li a").count() == many

    stage.visitor.wait_until(shows_them)


def events(stage: Stage) -> None:
    for slug, seconds in (("now", -1), ("later", 5000), ("last", 500_000)):
        stage.open_campaign(slug, name=NAMES[stage.language], **opens_in(seconds))
    _list_events(stage, 3)


def no_events(stage: Stage) -> None:
    _list_events(stage, 0)


STATES: dict[str, Callable[[Stage], None]] = {
    "scheduled": scheduled, "scheduled-stranger": scheduled_stranger, "early": early,
    "open": is_open, "asking": asking, "offline": offline, "won": won, "won-another": won_another,
    "kept": kept, "withdrawn": withdrawn, "refused": refused, "sold-out": sold_out,
    "paused": paused, "closed": closed,
    "not-eligible": not_eligible, "login-expired": expired,
    "login-ends": ends_too_soon, "waitlist-open": waitlist_open,
    "waiting": waiting, "offered": offered, "served": served, "unknown": unknown,
    "unavailable": unavailable, "no-events": no_events, "events": events,
}  # fmt: skip
