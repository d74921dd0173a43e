"""A second person for what can't be undone: asked, approved or refused, once, with the reason."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F

from coupons.bulk import receiving
from coupons.campaigns import lifecycle, recorded_states
from coupons.database import clock
from coupons.errors import BadInput, Refused
from coupons.issuing import dead_letters
from coupons.models import (
    ApprovalRequest,
    Campaign,
    CouponLife,
    GivenUp,
    Job,
    JobState,
    RequestState,
)
from coupons.operations import approvals
from tests.conftest import CampaignMaker
from tests.coupons.campaigns.sales import Broker
from tests.coupons.operations import drawn

pytestmark = pytest.mark.django_db
Drafts = Callable[..., Campaign]


def kinds() -> list[str]:
    return list(Campaign.objects.get().events.values_list("kind", flat=True))


def test_what_was_approved_is_done_and_both_are_in_the_history(asked: ApprovalRequest) -> None:
    assert Campaign.objects.get().state == "scheduled"
    assert kinds()[0] == "approval_asked"
    approvals.approve_request(asked.pk, approver="bob", reason="I agree")
    assert Campaign.objects.get().state == "closed"
    assert kinds()[:2] == ["closed", "approved"]
    event = Campaign.objects.get().events.get(kind="approved")
    assert event.data == {
        "verb": "close", "request": asked.pk, "asked_by": "ann", "reason": "I agree",
        "is_alone": False,
    }  # fmt: skip
    assert event.actor == "bob"
    with pytest.raises(Refused, match="bob has decided it already: approved"):
        approvals.approve_request(asked.pk, approver="jun")


@pytest.mark.parametrize("name", ["ann", "Ann"])
def test_nobody_approves_what_they_have_asked_for(
    asked: ApprovalRequest, settings: Any, name: str
) -> None:
    with pytest.raises(Refused, match="another person must approve it"):
        approvals.approve_request(asked.pk, approver=name)
    assert Campaign.objects.get().state == "scheduled"
    settings.APPROVE_ALONE = True
    approvals.approve_request(asked.pk, approver=name)
    event = Campaign.objects.get().events.get(kind="approved")
    assert (event.data or {})["is_alone"] is True


def test_who_asked_at_a_terminal_is_the_same_person(open_campaign: CampaignMaker) -> None:
    open_campaign("sale")
    asked = approvals.ask_close("sale", actor="ann at a terminal", reason="over")
    with pytest.raises(Refused, match="another person must approve it"):
        approvals.approve_request(asked.pk, approver="ann")


def test_a_refusal_needs_a_reason_and_ends_the_request(asked: ApprovalRequest) -> None:
    with pytest.raises(BadInput):
        approvals.refuse_request(asked.pk, approver="bob", reason=" ")
    approvals.refuse_request(asked.pk, approver="bob", reason="not before Monday")
    assert kinds()[0] == "approval_refused"
    with pytest.raises(Refused, match="decided it already: refused"):
        approvals.approve_request(asked.pk, approver="jun")
    assert Campaign.objects.get().state == "scheduled"


def test_a_request_expires_by_the_database_s_clock(asked: ApprovalRequest) -> None:
    assert list(approvals.open_requests()) == [asked]
    ApprovalRequest.objects.update(expires_at=F("expires_at") - timedelta(hours=5))
    assert not approvals.open_requests().exists()
    with pytest.raises(Refused, match="has expired"):
        approvals.approve_request(asked.pk, approver="bob")
    assert Campaign.objects.get().state == "scheduled"


@pytest.mark.parametrize("change", ["paused", "stock", "closed"])
def test_an_approval_after_the_state_changed_is_refused_with_the_reason(
    asked: ApprovalRequest, change: str
) -> None:
    if change == "paused":
        lifecycle.pause_campaign("sale", actor="jun")
    elif change == "stock":
        lifecycle.change_stock("sale", stock=50, actor="jun")
    else:
        lifecycle.close_campaign("sale", actor="jun")
    is_closed = change == "closed"
    why = "the campaign was closed since" if is_closed else "has changed since this was asked for"
    with pytest.raises(Refused, match=why):
        approvals.approve_request(asked.pk, approver="bob")
    void = ApprovalRequest.objects.get()
    assert (void.state, void.decision) == (RequestState.VOID, "closed" if is_closed else "changed")
    assert not approvals.open_requests().exists()
    assert "approved" not in kinds()
    event = Campaign.objects.get().events.filter(kind="approval_refused").latest("pk")
    assert (event.actor, (event.data or {})["reason"]) == ("clock", void.decision)
    with pytest.raises(Refused, match="It is void: the campaign"):
        approvals.approve_request(asked.pk, approver="bob")


def test_the_same_is_asked_for_once_until_the_state_has_changed(asked: ApprovalRequest) -> None:
    with pytest.raises(Refused, match="ann has asked for it already"):
        approvals.ask_close("sale", actor="jun", reason="over")
    lifecycle.change_stock("sale", stock=50, actor="jun")
    again = approvals.ask_close("sale", actor="jun", reason="over")
    asked.refresh_from_db()
    assert (asked.state, asked.decision) == (RequestState.VOID, "changed")
    assert list(approvals.open_requests()) == [again]
    approvals.approve_request(again.pk, approver="bob")
    assert Campaign.objects.get().state == "closed"


def test_a_closing_by_the_clock_makes_the_request_void(
    asked: ApprovalRequest, strategy: str
) -> None:
    now = clock.read_now()
    Campaign.objects.update(opens_at=now - timedelta(hours=1), closes_at=now - timedelta(minutes=1))
    assert not approvals.open_requests().exists()  # before the clock's sweep, too
    recorded_states.follow_the_clock()
    asked.refresh_from_db()
    assert (asked.state, asked.decision) == (RequestState.VOID, "closed")


def test_without_the_comparison_it_would_have_been_closed(
    asked: ApprovalRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control."""
    lifecycle.change_stock("sale", stock=50, actor="jun")
    monkeypatch.setattr(approvals, "has_changed", lambda *arguments: False)
    approvals.approve_request(asked.pk, approver="bob")
    assert Campaign.objects.get().state == "closed"


def test_what_would_be_refused_can_t_be_asked_for(open_campaign: CampaignMaker) -> None:
    open_campaign("sale")
    lifecycle.close_campaign("sale", actor="jun")
    with pytest.raises(Refused, match="it can't be closed"):
        approvals.ask_close("sale", actor="ann", reason="over")
    with pytest.raises(BadInput):
        approvals.ask_close("sale", actor="ann", reason="")


def parked_sale(open_campaign: CampaignMaker, draft: Drafts) -> str:
    case = drawn.Drawn("give_up", "queued", "open", False, 6, 4, 1, 2, 0, 9)
    return drawn.make_case(case, open_campaign, draft)


def test_parked_claims_are_given_up_once_another_person_approves(
    open_campaign: CampaignMaker, draft: Drafts, fake_broker: Broker
) -> None:
    slug = parked_sale(open_campaign, draft)
    ids = drawn.parked_ids(slug)
    asked = approvals.ask_give_up(slug, ids, actor="ann", reason="they were a test")
    assert not GivenUp.objects.exists()
    approvals.approve_request(asked.pk, approver="bob")
    assert set(GivenUp.objects.values_list("why", "actor")) == {("they were a test", "bob")}
    assert GivenUp.objects.count() == len(ids) == 2
    assert drawn.parked_ids(slug) == []


def test_claims_that_are_not_parked_any_more_are_not_given_up(
    open_campaign: CampaignMaker, draft: Drafts, fake_broker: Broker
) -> None:
    slug = parked_sale(open_campaign, draft)
    asked = approvals.ask_give_up(slug, drawn.parked_ids(slug), actor="ann", reason="a test")
    dead_letters.replay_parked(slug, actor="jun", ids=drawn.parked_ids(slug)[:1])
    with pytest.raises(Refused, match="has changed since"):
        approvals.approve_request(asked.pk, approver="bob")
    assert not GivenUp.objects.exists()


def test_a_list_of_revocations_waits_for_the_second_person(
    open_campaign: CampaignMaker, draft: Drafts
) -> None:
    case = drawn.Drawn("revoke", "direct", "open", False, 6, 4, 0, 0, 0, 4)
    slug = drawn.make_case(case, open_campaign, draft)
    job = drawn.make_revocations(slug)
    asked = approvals.ask_revocations(job, actor="ann", reason="fraud")
    assert asked.forecast["coupons"] == 3
    receiving.discard_abandoned()
    job.refresh_from_db()
    assert job.state == JobState.ASKED
    approvals.approve_request(asked.pk, approver="bob")
    job.refresh_from_db()
    assert job.state == JobState.READY
    drawn._run_job(job)
    assert CouponLife.objects.filter(state="revoked").count() == 3


def test_a_refused_list_revokes_nothing(open_campaign: CampaignMaker, draft: Drafts) -> None:
    case = drawn.Drawn("revoke", "direct", "open", False, 6, 4, 0, 0, 0, 4)
    slug = drawn.make_case(case, open_campaign, draft)
    job = drawn.make_revocations(slug)
    asked = approvals.ask_revocations(job, actor="ann", reason="fraud")
    approvals.refuse_request(asked.pk, approver="bob", reason="prove it first")
    job.refresh_from_db()
    assert (job.state, job.reason) == (JobState.ABANDONED, "prove it first")
    assert not CouponLife.objects.exists()


def test_a_list_is_forecast_and_asked_for_at_a_terminal(
    open_campaign: CampaignMaker, draft: Drafts, tmp_path: Path
) -> None:
    case = drawn.Drawn("revoke", "direct", "open", False, 6, 4, 0, 0, 0, 4)
    slug = drawn.make_case(case, open_campaign, draft)
    file = tmp_path / "users.csv"
    file.write_text("user\nuser-1\nuser-2\nnobody\n")
    words, out = ("revoke", slug, str(file), "--reason", "fraud"), StringIO()
    call_command(*words, "--dry-run", stdout=out)
    assert out.getvalue().splitlines() == [
        "2 coupons are taken from their owners.", "1 line is refused.",
        f"Nothing of {slug} was revoked.",
    ]  # fmt: skip
    assert not Job.objects.exists()
    call_command(*words, "--ask", "--actor", "ann", stdout=out)
    asked, job = ApprovalRequest.objects.get(), Job.objects.get()
    assert (asked.forecast["coupons"], job.state, job.lines) == (2, JobState.ASKED, 3)
    approvals.approve_request(asked.pk, approver="bob")
    job.refresh_from_db()
    assert job.state == JobState.READY
