"""A second person for what can't be undone: one asks, another decides, once.

    1  asked     the dry run's forecast and a hash of the state are kept with the reason
    2  approved  under the request's row lock: it is open, not expired, asked by somebody else,
                 and the state is the one that was asked about; then the verb runs in the same
                 transaction, so that the decision and what it did are committed together
       refused   with a reason; nothing is done
       void      the state is another one, or the campaign is closed: it must be asked for again

Of two decisions at one moment the second one waits for the lock and finds the request decided.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from coupons.audit import log
from coupons.audit.labels import void_reason
from coupons.bulk import receiving
from coupons.campaigns import lifecycle, voided_requests
from coupons.campaigns.signals import campaign_changed
from coupons.database import availability, clock
from coupons.errors import BadInput, Refused, UnknownCampaign
from coupons.issuing import dead_letters
from coupons.models import (
    ApprovalRequest,
    Campaign,
    EventKind,
    Job,
    JobState,
    RequestState,
    VoidReason,
)
from coupons.models.operations import MAX_NAME
from coupons.operations import dry_runs
from coupons.operations.asked_state import Verb, has_changed, state_hash
from coupons.operations.forecast import Forecast
from coupons.operations.outcomes import keep_outcome

OPEN_FOR = timedelta(hours=4)  # then it has to be asked for again
MOST_OPEN = 100  # of one campaign: a list that somebody reads
MOST_REVOKED_ALONE = 100  # lines; a longer list takes a second person
MOST_ENTRIES = 1_000  # parked claims of one request
AT_A_TERMINAL = " at a terminal"  # of the names of those who ask by `manage.py`


def ask_close(slug: str, *, actor: str, reason: str) -> ApprovalRequest:
    """Ask to close a campaign. Raises Refused where closing would be, BadInput, UnknownCampaign."""
    forecast = dry_runs.forecast_verb("close", slug, actor=actor)
    return _ask(slug, Verb.CLOSE, {}, forecast, actor=actor, reason=reason)


def ask_give_up(slug: str, ids: Sequence[str], *, actor: str, reason: str) -> ApprovalRequest:
    """Ask to give up these parked claims. Raises Refused, BadInput, UnknownCampaign."""
    if not ids or len(ids) > MOST_ENTRIES:
        raise BadInput("entry", _("between 1 and {}").format(f"{MOST_ENTRIES:,}"))
    forecast = dry_runs.forecast_give_up(slug, ids, why=reason, actor=actor)
    return _ask(
        slug, Verb.GIVE_UP, {"entries": sorted(set(ids))}, forecast, actor=actor, reason=reason
    )


def ask_revocations(job: Job, *, actor: str, reason: str) -> ApprovalRequest:
    """Ask to start a list of revocations that was received and not started. Raises Refused."""
    slug, forecast = job.campaign.slug, dry_runs.forecast_revocations(job)
    with availability.require_database(), transaction.atomic():
        waiting = Job.objects.filter(pk=job.pk, state=JobState.RECEIVING)
        if waiting.update(state=JobState.ASKED, lines=job.lines) != 1:
            raise Refused(_("The list is not there any more."))
        return _ask(slug, Verb.REVOKE, {"job": str(job.pk)}, forecast, actor=actor, reason=reason)


def _ask(
    slug: str, verb: Verb, data: dict[str, Any], forecast: Forecast, *, actor: str, reason: str
) -> ApprovalRequest:
    if not reason.strip():
        raise BadInput("reason", _("a reason is needed"))
    if forecast.refusal:
        raise Refused(forecast.refusal)
    with availability.require_database(), transaction.atomic():
        campaign = _lock_campaign(slug)
        now = clock.read_now()
        _demand_no_other(campaign, verb)
        request = ApprovalRequest.objects.create(
            campaign=campaign, verb=verb, data=data, reason=log.reason_text(reason),
            forecast=forecast.as_json(), seen=state_hash(campaign, verb, data),
            asked_by=actor[:150], asked_at=now, expires_at=now + OPEN_FOR,
        )  # fmt: skip
        log.record_event(
            campaign, actor, EventKind.APPROVAL_ASKED, verb=verb.value, request=request.pk,
            reason=request.reason,
        )  # fmt: skip
    return request


def _demand_no_other(campaign: Campaign, verb: Verb) -> None:
    """Raises Refused if the same waits already. A request about a state that is gone is void, and
    in nobody's way. Of lists several may wait: each is another list."""
    waiting = open_requests(campaign)
    if verb is Verb.REVOKE:
        if waiting.count() >= MOST_OPEN:
            raise Refused(_("Too many requests of this campaign wait already."))
        return
    for other in waiting.filter(verb=verb):
        if not has_changed(other, campaign):
            raise Refused(_("{} has asked for it already: it waits for a second person.").format(
                other.asked_by))  # fmt: skip
        voided_requests.void_requests(campaign, VoidReason.CHANGED, [other])


def _lock_campaign(slug: str) -> Campaign:
    campaign = Campaign.objects.select_for_update().filter(slug=slug).first()
    if campaign is None:
        raise UnknownCampaign(f"There is no campaign {slug!r}.")
    return campaign


def open_requests(campaign: Campaign | None = None) -> QuerySet[ApprovalRequest]:
    """Requests that can still be decided, of one campaign or of all, the oldest first."""
    is_over = Q(campaign__state=Campaign.State.CLOSED) | Q(campaign__closes_at__lte=clock.Now())
    rows = ApprovalRequest.objects.filter(state=RequestState.OPEN, expires_at__gt=clock.Now())
    rows = rows.exclude(is_over, verb=Verb.CLOSE).order_by("pk")
    return rows if campaign is None else rows.filter(campaign=campaign)


def requests_for(approver: str) -> QuerySet[ApprovalRequest]:
    """Open requests that this person has not asked for; all of them under APPROVE_ALONE."""
    rows = open_requests()
    if settings.APPROVE_ALONE:
        return rows
    own = Q(asked_by__iexact=approver) | Q(asked_by__iexact=f"{approver}{AT_A_TERMINAL}")
    return rows.exclude(own)


def approve_request(pk: int, *, approver: str, reason: str = "") -> ApprovalRequest:
    """Do what was asked for. Raises Refused with the reason: decided, expired, the same person, the
    state has changed; and what the verb raises. Then nothing was decided, nor done; but a request
    about another state is void from then on."""
    with availability.require_database(), transaction.atomic():
        request, campaign = _lock_open(pk)
        is_alone = demand_second_person(request, approver)
        if is_void := has_changed(request, campaign):
            _void(request, campaign)
        else:
            _decide(request, RequestState.APPROVED, approver, reason)
            _record(campaign, request, EventKind.APPROVED, is_alone=is_alone)
            _DOES[request.verb](campaign, request, approver)
            keep_outcome(request)
    if is_void:
        raise Refused(
            _("The campaign has changed since this was asked for: it must be asked for again.")
        )
    campaign_changed.send(sender=None)
    return request


def refuse_request(pk: int, *, approver: str, reason: str) -> ApprovalRequest:
    """Decide that it is not done. Whoever asked may take it back like that. Raises Refused,
    BadInput without a reason."""
    if not reason.strip():
        raise BadInput("reason", _("a reason is needed"))
    with availability.require_database(), transaction.atomic():
        request, campaign = _lock_open(pk)
        _decide(request, RequestState.REFUSED, approver, reason)
        _record(campaign, request, EventKind.APPROVAL_REFUSED)
        _abandon_list(request)
    return request


def _void(request: ApprovalRequest, campaign: Campaign) -> None:
    voided_requests.void_requests(campaign, VoidReason.CHANGED, [request])
    _abandon_list(request)


def _abandon_list(request: ApprovalRequest) -> None:
    if request.verb == Verb.REVOKE:
        Job.objects.filter(pk=request.data["job"], state=JobState.ASKED).update(
            state=JobState.ABANDONED, finished_at=request.decided_at, reason=request.decision
        )


def _lock_open(pk: int) -> tuple[ApprovalRequest, Campaign]:
    """The request and its campaign, locked: the campaign first, as by the change of one that makes
    a request void. Raises Refused if it is decided or has expired."""
    known = ApprovalRequest.objects.filter(pk=pk).first()
    if known is None:
        raise Refused(_("There is no such request."))
    campaign = Campaign.objects.select_for_update().get(pk=known.campaign_id)
    request = ApprovalRequest.objects.select_for_update().get(pk=pk)
    if request.state == RequestState.VOID:
        raise Refused(_("It is void: {}.").format(void_reason(request.decision)))
    if request.state != RequestState.OPEN:
        text = _("{} has decided it already: {}.")
        raise Refused(text.format(request.decided_by, request.get_state_display()))
    if clock.read_now() >= request.expires_at:
        raise Refused(_("The request has expired: it must be asked for again."))
    return request, campaign


def demand_second_person(request: ApprovalRequest, approver: str) -> bool:
    """Raises Refused if who asked would approve. Returns whether it is the same person, whom
    APPROVE_ALONE lets do it: the history says so."""
    asked_by = request.asked_by.removesuffix(AT_A_TERMINAL)
    is_alone = asked_by.casefold() == approver.casefold()
    if is_alone and not settings.APPROVE_ALONE:
        raise Refused(_("You have asked for this yourself: another person must approve it."))
    return is_alone


def _decide(request: ApprovalRequest, state: RequestState, by: str, reason: str) -> None:
    request.state, request.decided_by, request.decided_at = state, by[:150], clock.read_now()
    request.decision = log.reason_text(reason) if reason.strip() else ""
    request.save(update_fields=["state", "decided_by", "decided_at", "decision"])


def _record(
    campaign: Campaign, request: ApprovalRequest, kind: EventKind, *, is_alone: bool = False
) -> None:
    log.record_event(
        campaign, request.decided_by, kind, verb=request.verb, request=request.pk,
        asked_by=request.asked_by, reason=request.decision, is_alone=is_alone,
    )  # fmt: skip


# What is done


def _close(campaign: Campaign, request: ApprovalRequest, approver: str) -> None:
    lifecycle.close_campaign(campaign.slug, actor=approver)


def _give_up(campaign: Campaign, request: ApprovalRequest, approver: str) -> None:
    for entry in request.data["entries"]:
        dead_letters.give_up(campaign.slug, entry, why=request.reason, actor=approver)


def _revoke(campaign: Campaign, request: ApprovalRequest, approver: str) -> None:
    job = Job.objects.select_for_update().filter(pk=request.data["job"]).first()
    if job is None or job.state != JobState.ASKED:
        raise Refused(_("The list is not there any more."))
    job.actor = approver[:MAX_NAME]  # who decides does it, as of the other verbs
    job.save(update_fields=["actor"])
    receiving.start_job(job)


_DOES: dict[str, Callable[[Campaign, ApprovalRequest, str], None]] = {
    Verb.CLOSE: _close,
    Verb.GIVE_UP: _give_up,
    Verb.REVOKE: _revoke,
}
