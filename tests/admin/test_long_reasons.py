"""A reason that is too long is refused, and none of it is cut off silently."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

import coupons
from coupons.audit.log import TEXT_CHARS
from coupons.models import ApprovalRequest, Campaign, CampaignEvent, Coupon
from coupons.operations import approvals
from tests.admin.test_coupon_life import do
from tests.admin.test_form import CampaignMaker, Page
from tests.coupons.redemption.conftest import coupon, merchant, sale  # noqa: F401 - fixtures

LONG = "x" * 501
REASON_FIELD = re.compile(r'<input type="text"[^>]* name="(?:why|reason)".*')
TEMPLATES = Path(coupons.__file__).parent / "assets" / "templates"
REFUSED = "Give a reason of at most 500 characters."


@pytest.mark.parametrize(("verb", "typed"), [
    ("pause", {"reason": "other"}), ("pause", {}), ("close", {"slug": "sale"}), ("close", {}),
])  # fmt: skip
def test_a_command_says_it_at_the_field_and_keeps_what_was_typed(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker,
    verb: str, typed: dict[str, str],
) -> None:  # fmt: skip
    open_campaign("sale")
    answer = operator_client.post(campaign_url("sale", "do", verb), typed | {"why": LONG})
    page = answer.content.decode()
    assert f'<p class="errornote" id="why-error">{REFUSED}</p>' in page
    assert f'value="{LONG}" aria-invalid="true" aria-describedby="why-error"' in page
    assert Campaign.objects.get().state == "scheduled"
    assert not ApprovalRequest.objects.exists()


def test_a_reason_of_five_hundred_characters_is_kept_whole(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    why = "쿠" * TEXT_CHARS
    operator_client.post(campaign_url("sale", "do", "pause"), {"reason": "other", "why": why})
    event = CampaignEvent.objects.filter(kind="paused").get()
    assert event.data == {"reason": why}


@pytest.mark.parametrize("decision", ["approve", "refuse"])
def test_so_does_an_approver(open_campaign: CampaignMaker, decision: str) -> None:
    open_campaign("sale")
    asked = approvals.ask_close("sale", actor="ann", reason="it is over")
    approver = Client()
    approver.force_login(User.objects.create_superuser("mina"))
    url = f"/admin/coupons/approvalrequest/{asked.pk}/decide/"
    page = approver.post(url, {"decision": decision, "why": LONG}, follow=True)
    assert REFUSED in page.content.decode()
    asked.refresh_from_db()
    assert (asked.state, asked.decision) == ("open", "")


@pytest.mark.parametrize("verb", ["revoke", "extend"])
def test_so_does_a_verb_of_a_coupon(
    operator_client: Client,
    coupon: Coupon,  # noqa: F811
    verb: str,
) -> None:
    assert REFUSED in do(operator_client, coupon, verb, reason=LONG, end="2099-12-01T12:00")
    coupon.refresh_from_db()
    assert "issued" in do(operator_client, coupon, "revoke", reason="")


def test_no_form_lets_the_browser_cut_a_reason() -> None:
    """A browser cuts what is pasted at `maxlength`, and says nothing; at `pattern` it refuses."""
    found = []
    for template in TEMPLATES.rglob("*.html"):
        fields = REASON_FIELD.findall(template.read_text())
        found += fields
        for field in fields:
            assert "maxlength" not in field, template
            assert "reason_rule.html" in field, template
    assert len(found) == 5
