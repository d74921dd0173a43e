"""The operator's pages for parked claims and for receipts of lost claims."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from coupons import store
from coupons.admission import strategies
from coupons.audit.actors import Actor
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.limits import slot_id
from coupons.claims.values import Claim
from coupons.issuing.drain import drain
from coupons.models import ActorKind, ApprovalRequest, Coupon, GivenUp, Slot
from coupons.operations import approvals
from coupons.recovery import rebuild, reconcile
from coupons.redemption import lifecycle
from tests.conftest import CampaignMaker

pytestmark = pytest.mark.django_db
Page = Callable[..., str]


def page_text(response: Any) -> str:
    assert response.status_code == 200, response.status_code
    return str(response.content.decode())


def park_claims(campaign: CampaignSnapshot, *users: str) -> list[str]:
    """Park a claim of each user; the ids of their entries."""
    for user in users:
        place = strategies.admit(campaign, Claim(user)).place
        Slot.objects.filter(id=slot_id(campaign.id, place)).delete()
    drain("sale", consumer="one")
    return [entry.id for entry in store.store().queue.parked_entries("sale")]


def receipt_of_lost_claim(campaign: CampaignSnapshot, user: str) -> str:
    """The receipt of a claim that was lost with Redis' data."""
    decision = strategies.admit(campaign, Claim(user))
    reconcile.reconcile_campaigns()
    client: Any = store.store().client
    client.flushall()
    rebuild.rebuild_campaign("sale", actor="mina")
    return campaign.receipt_of(user=user, nth=1, place=decision.place, admitted_ms=decision.at_ms)


# SQLite asks for a coupon's slot only at the commit, which such a test never reaches.
needs_commits = pytest.mark.django_db(transaction=True)


@needs_commits
def test_chosen_claims_go_back_on_the_queue(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    first, _ = park_claims(open_campaign("sale"), "ann", "ben")
    answer = operator_client.post(
        campaign_url("sale", "parked_do"), {"entry": [first], "replay": "yes"}, follow=True
    )
    assert "1 claim is back on the queue." in page_text(answer)
    assert [claim.user for claim in answer.context["claims"]] == ["ben"]
    assert store.store().campaigns.gate("sale").waiting == 1


@needs_commits
def test_giving_up_asks_for_a_reason_and_keeps_it(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    chosen = park_claims(open_campaign("sale"), "ann", "ben")
    form = {"entry": chosen, "give_up": "yes", "why": ""}
    refused = operator_client.post(campaign_url("sale", "parked_do"), form, follow=True)
    assert [str(one) for one in refused.context["messages"]] == ["A reason is needed."]
    form["why"] = "<b>test</b>"
    asked = page_text(operator_client.post(campaign_url("sale", "parked_do"), form, follow=True))
    assert "To give up 2 claims waits for another person" in asked
    assert not GivenUp.objects.exists()
    approvals.approve_request(ApprovalRequest.objects.get().pk, approver="bob")
    shown = page_text(operator_client.get(campaign_url("sale", "parked")))
    assert "&lt;b&gt;test&lt;/b&gt;" in shown
    assert "<b>test" not in shown
    assert {claim.actor for claim in GivenUp.objects.all()} == {"bob"}
    assert "gave up: 1" in page_text(operator_client.get(campaign_url("sale")))


@pytest.mark.parametrize("entry", [[], ["x"], ["1-1; DROP"], ["9" * 40]])
def test_an_odd_choice_is_no_choice(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker, entry: list[str]
) -> None:
    open_campaign("sale")
    answer = operator_client.post(
        campaign_url("sale", "parked_do"), {"entry": entry, "replay": "1"}, follow=True
    )
    assert "No claim was chosen." in page_text(answer)


def test_only_who_may_change_a_campaign_may_do_this(
    read_only_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    assert (
        read_only_client.post(campaign_url("sale", "parked_do"), {"entry": "1-1"}).status_code
        == 403
    )
    assert read_only_client.get(campaign_url("sale", "receipt")).status_code == 403
    assert "Replay" not in page_text(read_only_client.get(campaign_url("sale", "parked")))
    assert "A receipt" not in page_text(read_only_client.get(campaign_url("sale")))


def test_a_page_that_acts_is_posted_to(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    assert operator_client.get(campaign_url("sale", "parked_do")).status_code == 302


@needs_commits
def test_a_lost_receipt_is_looked_up_and_then_honoured(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    token = receipt_of_lost_claim(open_campaign("sale"), "ann")
    shown = page_text(
        operator_client.post(campaign_url("sale", "receipt"), {"receipt": f"  {token}\n"})
    )
    assert "lost: neither store knows of its claim" in shown
    assert "Honour it" in shown
    assert not Coupon.objects.exists()
    shown = page_text(
        operator_client.post(campaign_url("sale", "receipt"), {"receipt": token, "honour": "yes"})
    )
    assert "Honoured: the coupon is stored on its place." in shown
    assert "Honour it" not in shown
    assert Coupon.objects.get().user == "ann"
    history = page_text(operator_client.get(campaign_url("sale")))
    assert "honoured a receipt: 1 &#x27;ann&#x27;" in history


@pytest.mark.parametrize("token", ["x", "e30.e30.AAAA"])
def test_what_is_no_receipt_of_this_campaign_is_told_so(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker, token: str
) -> None:
    open_campaign("sale")
    form = {"receipt": token, "honour": "yes"}
    assert "not a receipt of this campaign" in page_text(
        operator_client.post(campaign_url("sale", "receipt"), form)
    )


def test_another_campaigns_receipt_is_not_honoured_from_here(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    other = open_campaign("other")
    decision = strategies.admit(other, Claim("ann"))
    token = other.receipt_of(user="ann", nth=1, place=decision.place, admitted_ms=decision.at_ms)
    form = {"receipt": token, "honour": "yes"}
    assert "not a receipt of this campaign" in page_text(
        operator_client.post(campaign_url("sale", "receipt"), form)
    )


def test_without_redis_the_page_says_that_redis_did_not_answer(
    operator_client: Client,
    campaign_url: Page,
    open_campaign: CampaignMaker,
    redis_away: Callable[[], None],
) -> None:
    campaign = open_campaign("sale")
    decision = strategies.admit(campaign, Claim("ann"))
    token = campaign.receipt_of(user="ann", nth=1, place=decision.place, admitted_ms=decision.at_ms)
    redis_away()
    assert "Redis did not answer" in page_text(
        operator_client.post(campaign_url("sale", "receipt"), {"receipt": token})
    )
    form = {"entry": ["1-1"], "replay": "yes"}
    assert "Redis did not answer" in page_text(
        operator_client.post(campaign_url("sale", "parked_do"), form, follow=True)
    )


def test_it_speaks_korean(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    shown = page_text(
        operator_client.get(campaign_url("sale", "receipt"), headers={"Accept-Language": "ko"})
    )
    assert "영수증" in shown


@needs_commits
def test_the_receipt_and_the_campaign_of_a_revoked_coupon_say_so(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    sale = open_campaign("sale")
    decision = strategies.admit(sale, Claim("ann"))
    drain("sale", consumer="one")
    receipt = sale.receipt_of(user="ann", nth=1, place=decision.place, admitted_ms=decision.at_ms)
    address = campaign_url("sale", "receipt")
    shown = page_text(operator_client.post(address, {"receipt": receipt}))
    assert "state of the coupon" in shown and ">issued</a>" in shown
    assert "hidden><dt>of them revoked" in page_text(operator_client.get(campaign_url("sale")))
    lifecycle.revoke_coupon(
        pk=Coupon.objects.get().pk,
        actor=Actor(ActorKind.OPERATOR, "mina"),
        reason="stolen",
        returns=False,
    )
    assert ">revoked</a>" in page_text(operator_client.post(address, {"receipt": receipt}))
    page = page_text(operator_client.get(campaign_url("sale")))
    assert '<div class="revoked" data-part="revoked"><dt>of them revoked</dt><dd>1</dd>' in page
