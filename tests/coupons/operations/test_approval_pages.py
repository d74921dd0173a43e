"""Requests for a second person in the admin: asked, looked at, decided, and what they did."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from coupons.admin.rights import role_group
from coupons.admission import strategies
from coupons.campaigns import lifecycle
from coupons.claims.values import Claim
from coupons.models import (
    ApprovalRequest,
    Campaign,
    CouponLife,
    Job,
    JobLine,
)
from coupons.operations import approvals
from tests.conftest import CampaignMaker
from tests.coupons.operations import drawn

pytestmark = pytest.mark.django_db
Drafts = Callable[..., Campaign]


def client_of(name: str, role: str) -> Client:
    user = User.objects.create_user(name, is_staff=True)
    user.groups.add(role_group(role))
    client = Client()
    client.force_login(user)
    return client


def decide(client: Client, request: ApprovalRequest, decision: str, why: str = "") -> Any:
    path = f"/admin/coupons/approvalrequest/{request.pk}/decide/"
    return client.post(path, {"decision": decision, "why": why}, follow=True)


def test_an_operator_asks_and_an_approver_approves_in_the_admin(
    open_campaign: CampaignMaker,
) -> None:
    open_campaign("sale")
    ann, bob = client_of("ann", "operator"), client_of("bob", "approver")
    close = f"/admin/coupons/campaign/{Campaign.objects.get().pk}/do/close/"
    page = ann.post(close, {"slug": "sale", "why": "it is over"}, follow=True).content.decode()
    assert "waits for another person" in page
    assert "Waits for a second person: close for good, asked by ann." in page
    asked = ApprovalRequest.objects.get()
    assert "close for good" in bob.get("/admin/coupons/approvalrequest/").content.decode()
    of_ann = ann.get(f"/admin/coupons/approvalrequest/{asked.pk}/change/").content.decode()
    assert "It closes now, and can&#x27;t be opened again." in of_ann
    assert 'value="approve"' not in of_ann
    assert decide(ann, asked, "approve").status_code == 403
    assert "Approved, and done." in decide(bob, asked, "approve").content.decode()
    assert Campaign.objects.get().state == "closed"
    gone = bob.get("/admin/coupons/approvalrequest/").content.decode()
    assert f"/admin/coupons/approvalrequest/{asked.pk}/" not in gone


def test_a_superuser_is_no_second_person_either(open_campaign: CampaignMaker) -> None:
    open_campaign("sale")
    mina = Client()
    mina.force_login(User.objects.create_superuser("mina"))
    asked = approvals.ask_close("sale", actor="mina", reason="over")
    page = decide(mina, asked, "approve").content.decode()
    assert "You have asked for this yourself" in page
    assert Campaign.objects.get().state == "scheduled"
    assert "Refused: nothing was done." in decide(mina, asked, "refuse", "on second thought"
                                                   ).content.decode()  # fmt: skip


def request_page(client: Client, asked: ApprovalRequest) -> str:
    return client.get(f"/admin/coupons/approvalrequest/{asked.pk}/change/").content.decode()


def test_the_request_s_page_says_what_happens_now(asked: ApprovalRequest) -> None:
    bob = client_of("bob", "approver")
    page = request_page(bob, asked)
    assert "What happens, as of now" in page
    assert page.count("It closes now, and can&#x27;t be opened again.") == 2
    assert 'value="approve"' in page
    assert ">Close</a>" not in page
    assert ">Back</a>" in page
    lifecycle.change_stock("sale", stock=50, actor="jun")
    page = request_page(bob, asked)
    assert "50 coupons of the stock will not be given." in page
    assert "must be asked for again" in page
    assert 'value="approve"' not in page
    decide(bob, asked, "approve")
    page = request_page(bob, asked)
    assert ">void<" in page
    assert "the campaign has changed since" in page
    assert "as of now" not in page
    assert 'value="refuse"' not in page


@pytest.fixture
def asked_list(open_campaign: CampaignMaker, draft: Drafts) -> ApprovalRequest:
    """Ann has asked to revoke coupons; one line is of nobody."""
    case = drawn.Drawn("revoke", "direct", "open", False, 6, 4, 0, 0, 0, 4)
    job = drawn.make_revocations(drawn.make_case(case, open_campaign, draft))
    last = JobLine.objects.filter(job=job).order_by("-line").first()
    assert last is not None
    JobLine.objects.create(job=job, line=last.line + 1, data={"user": "nobody"})
    job.lines += 1
    return approvals.ask_revocations(job, actor="ann", reason="fraud")


def test_the_approver_of_a_list_sees_whose_coupons_and_then_what_was_done(
    asked_list: ApprovalRequest,
) -> None:
    bob, viewer = client_of("bob", "approver"), client_of("vera", "viewer")
    job = Job.objects.get()
    users = [line.data.get("user") or line.data["code"] for line in JobLine.objects.all()]
    page = request_page(bob, asked_list)
    assert all(f">{user}<" in page for user in users)
    assert page.count(">would be revoked<") == 3
    assert "would be refused: " in page
    assert not CouponLife.objects.exists()
    hidden = request_page(viewer, asked_list)
    assert not [user for user in users if f">{user}<" in hidden]
    assert ">•••<" in hidden
    decide(bob, asked_list, "approve")
    assert f"{job.lines} lines are still waiting." in request_page(bob, asked_list)
    job.refresh_from_db()
    drawn._run_job(job)
    page = request_page(bob, asked_list)
    assert "What it did" in page
    assert "3 coupons were revoked." in page
    refused = JobLine.objects.filter(verdict="refused").count()
    assert f"{refused} line{'s were' if refused > 1 else ' was'} refused." in page
    lines = page.partition("list-lines")[2]
    assert lines.index(">refused: ") < lines.index(">revoked<")
    assert "ann (approved by bob)" in bob_s_campaign_page(job)


def bob_s_campaign_page(job: Job) -> str:
    """What a person sees there who may undo it."""
    client = client_of("olga", "operator")
    return client.get(f"/admin/coupons/campaign/{job.campaign_id}/change/").content.decode()


def test_an_approved_closing_says_what_it_did_and_not_what_was_forecast(
    open_campaign: CampaignMaker,
) -> None:
    sale = open_campaign("sale", stock=3)
    strategies.admit(sale, Claim("ann"))
    asked = approvals.ask_close("sale", actor="ann", reason="over")
    strategies.admit(sale, Claim("bea"))
    bob = client_of("bob", "approver")
    told = "It is closed. 1 coupon of the stock was not given. 2 coupons are given"
    assert f"Approved, and done. {told}" in decide(bob, asked, "approve").content.decode()
    page = request_page(bob, asked)
    assert "1 coupon of the stock was not given." in page.partition("What it did")[2]


def menu_number(client: Client) -> str:
    found = re.search(r'class="menu-count">([^<]*)', client.get("/admin/").content.decode())
    return found[1] if found else ""


def test_who_may_approve_sees_it_at_home_and_in_the_menu(asked: ApprovalRequest) -> None:
    bob, jun = client_of("bob", "approver"), client_of("jun", "operator")
    home = bob.get("/admin/").content.decode()
    assert "waits for your approval: close for good, asked by ann" in home
    assert f'href="/admin/coupons/approvalrequest/{asked.pk}/change/"' in home
    assert "Nothing: no request" not in home
    assert (menu_number(bob), menu_number(jun)) == ("1", "")
    assert "waits for your approval" not in jun.get("/admin/").content.decode()
    ApprovalRequest.objects.update(asked_by="Bob")  # who asked is not waited for
    assert menu_number(bob) == ""
    assert "waits for your approval" not in bob.get("/admin/").content.decode()
