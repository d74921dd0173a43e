"""The page that checks a receipt: it computes in the browser, and sends nothing, even offline."""

import json
from datetime import timedelta
from typing import Any

import pytest

from coupons.admission import strategies
from coupons.campaigns import lifecycle
from coupons.claims.values import Claim
from coupons.issuing.drain import drain
from coupons.models import Campaign, Coupon
from coupons.proof import build
from tests.browser.chromium import IN_CHROMIUM
from tests.browser.events.event_site import EventSite
from tests.browser.events.visitors import Visitor, Visitors
from tests.conftest import CampaignMaker, Person

pytestmark = [*IN_CHROMIUM, pytest.mark.django_db(transaction=True)]

USERS = ("ann", "bob", "jun", "mina", "민아")


@pytest.fixture
def root(open_campaign: CampaignMaker) -> str:
    known = open_campaign("over", stock=5)
    for user in USERS:
        strategies.admit(known, Claim(user))
    drain("over", consumer="test")
    lifecycle.close_campaign("over", actor="Mina")
    campaign = Campaign.objects.get()
    campaign.opens_at -= timedelta(minutes=2)
    campaign.closes_at -= timedelta(minutes=2)
    campaign.save()
    proof = build.prove_campaign(campaign, actor="Mina")
    return build.base64_of(bytes(proof.root or b""))


def papers_of(user: str) -> dict[str, Any]:
    person, code = Person(user), Coupon.objects.get(user=user).code
    return {
        "receipt": person.asks("campaigns/over/claims/me").json()["receipt"],
        "inclusion": person.asks(f"coupons/{code}/inclusion").content.decode(),
    }


def verdict_on(visitor: Visitor, papers: dict[str, Any]) -> str:
    for name, text in papers.items():
        visitor.page.fill(f"#{name}", text)
    visitor.page.eval_on_selector("output", "element => { element.className = '' }")
    visitor.click_element(".check button")
    visitor.wait_for_element("output[class]:not([class=''])")
    return visitor.attribute("output", "class")


def test_a_receipt_is_checked_without_a_connection(
    site: EventSite, visitors: Visitors, root: str
) -> None:
    papers = {user: papers_of(user) for user in USERS}
    visitor = visitors.arrive()
    visitor.go_to(f"{site.pages}/events/over/proof")
    assert visitor.visible_text(".root") == root
    assert visitor.axe_violations() == []
    visitor.go_offline()
    for user in USERS:
        assert verdict_on(visitor, papers[user]) == "yes", user
    assert verdict_on(visitor, papers["ann"] | {"root": "A" * 43 + "="}) == "no"
    changed = inclusion_with(papers["ann"], hashes=["A" * 43 + "="] * 3)
    assert verdict_on(visitor, papers["ann"] | {"root": root, "inclusion": changed}) == "no"
    visitor.go_offline(False)


def inclusion_with(papers: dict[str, Any], **other: Any) -> str:
    return json.dumps(json.loads(papers["inclusion"]) | other)


def test_what_is_no_inclusion_of_this_receipt_accuses_nobody(
    site: EventSite, visitors: Visitors, root: str
) -> None:
    papers = papers_of("ann")
    visitor = visitors.arrive()
    visitor.go_to(f"{site.pages}/events/over/proof")
    strange = (
        "{", "{}", "[]", "null", "7", '{"detail":"not proved yet","status":409}',
        papers_of("bob")["inclusion"],
        inclusion_with(papers, campaign="other"), inclusion_with(papers, version=2),
        inclusion_with(papers, hashes=[]), inclusion_with(papers, hashes=["AAAA"] * 3),
        inclusion_with(papers, size="5"),
    )  # fmt: skip
    for inclusion in strange:
        assert verdict_on(visitor, papers | {"inclusion": inclusion}) == "unreadable", inclusion
    assert verdict_on(visitor, papers | {"receipt": "AAAA"}) == "unreadable"
    assert verdict_on(visitor, papers | {"root": root[:20]}) == "unreadable"


def test_a_shopper_checks_with_one_press(site: EventSite, visitors: Visitors, root: str) -> None:
    visitor = visitors.arrive()
    visitor.go_to(site.page_of("over", "ann"))
    visitor.wait_for_text(".papers button", "Check that my number 1 was counted")
    assert visitor.axe_violations() == []
    visitor.click_element(".papers button")
    visitor.wait_for_text("output.yes", "Your receipt is under this root")
    assert visitor.page.url == f"{site.pages}/events/over/proof", "nothing of it is in the address"
    visitor.go_offline()
    visitor.click_element(".check button")
    visitor.wait_for_text("output.yes", "Your receipt is under this root")
    visitor.go_offline(False)
    visitor.reload()
    assert visitor.page.input_value("#receipt") == ""


def test_the_page_is_narrow_and_dark_as_well(
    site: EventSite, visitors: Visitors, root: str
) -> None:
    visitor = visitors.arrive()
    visitor.set_width(390)
    visitor.set_theme("dark")
    visitor.go_to(f"{site.pages}/events/over/proof?lang=ko")
    assert visitor.axe_violations() == []
    wide = visitor.run_in_page("() => document.documentElement.scrollWidth")
    assert wide <= 390
