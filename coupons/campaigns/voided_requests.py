"""Approval requests that nobody can approve any more: marked void, with the reason, where it
happens. `coupons.operations` asks and approves."""

from collections.abc import Iterable

from coupons.audit import log
from coupons.database import clock
from coupons.models import ApprovalRequest, Campaign, EventKind, RequestState, VoidReason

CLOCK = "clock"  # who decides: nobody did


def void_requests(
    campaign: Campaign, reason: VoidReason, requests: Iterable[ApprovalRequest]
) -> None:
    """The caller holds the campaign's row lock; each is written into the history."""
    for request in requests:
        request.state, request.decision = RequestState.VOID, reason.value
        request.decided_by, request.decided_at = CLOCK, clock.read_now()
        request.save(update_fields=["state", "decision", "decided_by", "decided_at"])
        log.record_event(
            campaign, CLOCK, EventKind.APPROVAL_REFUSED, verb=request.verb, request=request.pk,
            asked_by=request.asked_by, reason=reason.value,
        )  # fmt: skip


def void_closings(campaign: Campaign) -> None:
    """Of a campaign that is closed now: nothing is left to be closed."""
    waiting = ApprovalRequest.objects.filter(
        campaign=campaign, verb=ApprovalRequest.Verb.CLOSE, state=RequestState.OPEN
    )
    void_requests(campaign, VoidReason.CLOSED, waiting)
