# ruff: noqa: F811 - the fixtures of redemption's tests
"""A coupon's life on its page, the operator's verbs with their reasons, and the list by state."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from coupons.admin.coupons import keyset_list
from coupons.claims.limits import slot_id
from coupons.models import Campaign, Coupon, CouponEvent, CouponLife, Merchant, Returned
from coupons.redemption import lifecycle
from tests.admin.conftest import Owners
from tests.conftest import CampaignMaker
from tests.coupons.redemption.conftest import (  # noqa: F401 - fixtures
    KEY,
    cart,
    coupon,
    merchant,
    sale,
)

LIST = "/admin/coupons/coupon/"


def page_of(client: Client, coupon: Coupon) -> str:
    answer = client.get(f"{LIST}{coupon.pk}/change/")
    assert answer.status_code == 200
    return answer.content.decode()


def do(client: Client, coupon: Coupon, verb: str, **fields: Any) -> str:
    """The page after the verb's form was sent."""
    address = f"{LIST}{coupon.pk}/do/{verb}/"
    answer = client.post(address, {"reason": "asked by ann", **fields}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def redeem(coupon: Coupon, merchant: Merchant) -> None:
    lifecycle.redeem_coupon(coupon.code, cart(), merchant_id=merchant.pk, actor=KEY)


def state_of(coupon: Coupon) -> str:
    return CouponLife.objects.get(pk=coupon.pk).state


def test_the_list_shows_the_state_of_each_coupon(
    operator_client: Client, coupon: Coupon, merchant: Merchant
) -> None:
    def shown_state() -> str:
        page = operator_client.get(LIST).content.decode()
        return page.partition('<td class="field-state">')[2].partition("</td>")[0]

    assert shown_state() == "issued"
    redeem(coupon, merchant)
    assert shown_state() == "redeemed"


def test_a_page_shows_order_amounts_and_every_step(
    operator_client: Client,
    coupon: Coupon,
    merchant: Merchant,
) -> None:
    assert '<strong id="life-state">issued</strong>' in page_of(operator_client, coupon)
    redeem(coupon, merchant)
    shown = page_of(operator_client, coupon)
    for text in ("redeemed", "order-1", "2000 KRW", "20000 KRW", KEY.name):
        assert text in shown
    assert "Cancel the redemption" in shown
    assert "Extend" not in shown


def test_a_held_coupon_is_released(
    operator_client: Client,
    coupon: Coupon,
    merchant: Merchant,
) -> None:
    lifecycle.reserve_coupon(coupon.code, cart(), merchant_id=merchant.pk, actor=KEY, seconds=600)
    assert "order-1" in page_of(operator_client, coupon)
    assert "The coupon is issued now." in do(operator_client, coupon, "release")
    event = CouponEvent.objects.latest("version")
    assert (event.reason, event.actor) == ("asked by ann", "mina")


def test_a_redemption_is_cancelled_with_its_cause(
    operator_client: Client,
    coupon: Coupon,
    merchant: Merchant,
) -> None:
    redeem(coupon, merchant)
    assert "Choose the cause of the cancellation." in do(
        operator_client, coupon, "cancel", cause="whim"
    )
    assert "The coupon is issued now." in do(operator_client, coupon, "cancel", cause="shop")
    assert CouponEvent.objects.latest("version").data["cause"] == "shop"


def test_a_coupon_is_revoked_with_its_unit_and_that_is_undone(
    operator_client: Client,
    coupon: Coupon,
) -> None:
    assert "The coupon is revoked now." in do(operator_client, coupon, "revoke", returns="on")
    assert Returned.objects.get().returned == 1
    assert "The coupon is issued now." in do(operator_client, coupon, "undo")
    assert Returned.objects.get().returned == 0


@pytest.mark.parametrize(("returns_to", "is_offered"), [("burn", False), ("pool", True)])
def test_a_unit_that_would_be_gone_for_good_is_not_offered_to_come_back(
    operator_client: Client, coupon: Coupon, returns_to: str, is_offered: bool
) -> None:
    Campaign.objects.filter(pk=coupon.campaign_id).update(returns_to=returns_to)
    page = page_of(operator_client, coupon)
    (box,) = re.findall(r'<input type="checkbox" name="returns"[^>]*>', page)
    assert ("disabled" not in box) is is_offered
    assert ("is gone for good." not in page) is is_offered


def test_a_coupon_is_extended_in_the_pages_time_zone(
    operator_client: Client,
    coupon: Coupon,
) -> None:
    for wrong in ("", "soon", "2026-13-45T99:00"):
        assert "Enter a valid date/time." in do(operator_client, coupon, "extend", end=wrong)
    do(operator_client, coupon, "extend", end="2199-05-01T12:00")
    end = CouponLife.objects.get().end_override
    assert end is not None
    assert timezone.localtime(end).strftime("%Y-%m-%dT%H:%M") == "2199-05-01T12:00"


def test_what_the_state_does_not_allow_is_refused_with_its_reason(
    operator_client: Client,
    coupon: Coupon,
    merchant: Merchant,
) -> None:
    redeem(coupon, merchant)
    assert "The coupon was redeemed for an order." in do(operator_client, coupon, "revoke")
    assert "No order holds the coupon." in do(operator_client, coupon, "release")
    assert state_of(coupon) == "redeemed"


def test_nothing_is_done_without_a_reason(operator_client: Client, coupon: Coupon) -> None:
    for reason in ("", "   ", "\n"):
        assert "Please give a reason" in do(operator_client, coupon, "revoke", reason=reason)
    assert not CouponEvent.objects.exists()


def test_a_get_and_an_unknown_verb_do_nothing(operator_client: Client, coupon: Coupon) -> None:
    assert operator_client.get(f"{LIST}{coupon.pk}/do/revoke/", follow=True).status_code == 200
    assert operator_client.post(f"{LIST}{coupon.pk}/do/burn/").status_code == 404
    assert operator_client.post(f"{LIST}1/do/revoke/", {"reason": "x"}).status_code == 404
    assert not CouponEvent.objects.exists()


def test_who_may_only_look_has_no_buttons_and_changes_nothing(coupon: Coupon) -> None:
    theo = User.objects.create_user("theo", is_staff=True)
    theo.user_permissions.add(Permission.objects.get(codename="view_coupon"))
    client = Client()
    client.force_login(theo)
    shown = page_of(client, coupon)
    assert "life-state" in shown and "life-verb" not in shown
    assert client.post(f"{LIST}{coupon.pk}/do/revoke/", {"reason": "x"}).status_code == 403
    assert not CouponEvent.objects.exists()


def listed(client: Client, **query: str) -> list[int]:
    answer = client.get(LIST, query)
    assert answer.status_code == 200
    return [row.place for row in answer.context["cl"].result_list]


@pytest.fixture
def lives(open_campaign: CampaignMaker, hand_out: Owners) -> None:
    """Of 350 coupons every third is redeemed, and one is revoked."""
    campaign = open_campaign("large", stock=350)
    hand_out(campaign, [f"user-{n}" for n in range(350)])
    now = timezone.now()
    CouponLife.objects.bulk_create(
        CouponLife(
            coupon_id=slot_id(campaign.id, place), campaign_id=campaign.id, version=1,
            state="redeemed" if place % 3 == 0 else "revoked", changed_at=now,
            order_ref="o" if place % 3 == 0 else None,
            redemption=f"{place:032x}" if place % 3 == 0 else None,
        )
        for place in range(1, 351) if place % 3 == 0 or place == 1
    )  # fmt: skip


def test_the_list_of_a_state_has_pages_without_a_gap(
    operator_client: Client, lives: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyset_list, "WINDOWS", (50, 200, 2**32))
    address, seen = "?campaign=large&state=redeemed", []
    while address:
        shown = operator_client.get(LIST + address).context["cl"]
        seen += [row.place for row in shown.result_list]
        address = shown.older
    assert seen == list(range(348, 0, -3))
    newer = operator_client.get(LIST + shown.newer).context["cl"].result_list
    assert [row.place for row in newer] == seen[:100]
    assert listed(operator_client, campaign="large", state="revoked") == [1]
    assert listed(operator_client, campaign="large", state="held") == []
    assert listed(operator_client, campaign="large", state="redeemed", q="user-2") == [3]
    assert listed(operator_client, campaign="large", state="redeemed", q="user-3") == []


def test_the_list_of_a_state_reads_no_more_than_a_page(
    operator_client: Client, lives: None
) -> None:
    with CaptureQueriesContext(connection) as captured:
        operator_client.get(LIST, {"campaign": "large", "state": "redeemed"})
    statements = [query["sql"] for query in captured if "coupons_coupon" in query["sql"]]
    assert statements
    for statement in statements:
        assert "LIMIT" in statement or " IN (" in statement
        assert "COUNT(" not in statement


@pytest.mark.parametrize("state", ["issued", "burnt", "x' OR 1=1 -- "])
def test_an_odd_state_is_no_error(operator_client: Client, lives: None, state: str) -> None:
    assert listed(operator_client, campaign="large", state=state) == []
    assert operator_client.get(LIST, {"state": "redeemed"}).status_code == 200
