"""What an approved request has done, in sentences: its forecast is old then.

The figures of a closing and of claims given up are kept in the request, in the transaction that did
it. A list of revocations is worked on afterwards: its lines have their verdicts.
"""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.bulk import jobs
from coupons.errors import StoreFailure
from coupons.models import ApprovalRequest, Job, JobState, RequestState
from coupons.operations import dry_runs
from coupons.operations.forecast import Forecast, holder_sentences, parse_forecast

Verb = ApprovalRequest.Verb


def keep_outcome(request: ApprovalRequest) -> None:
    """In the transaction of the verb, after it; not if Redis fails just then. Raises
    DatabaseAway."""
    if request.verb == Verb.CLOSE:
        try:
            done = dry_runs.figures_now("close", request.campaign.slug).as_json()
        except StoreFailure:
            return
        request.data = {**request.data, "done": done}
        request.save(update_fields=["data"])


def outcome_sentences(request: ApprovalRequest) -> list[str]:
    """Empty: it was not approved, or an earlier release did it. Raises DatabaseAway."""
    if request.state != RequestState.APPROVED:
        return []
    if request.verb == Verb.REVOKE:
        return _of_list(Job.objects.filter(pk=request.data["job"]).first())
    if request.verb == Verb.GIVE_UP:
        return [_claims_given_up(len(request.data["entries"]))]
    done = request.data.get("done")
    return _of_closing(parse_forecast(done)) if done else []


def _claims_given_up(count: int) -> str:
    text = ngettext("{} claim was given up.", "{} claims were given up.", count)
    return text.format(f"{count:,}")


def _of_closing(done: Forecast) -> list[str]:
    told = [_("It is closed.")]
    if count := done.remaining:
        text = ngettext(
            "{} coupon of the stock was not given.", "{} coupons of the stock were not given.",
            count,
        )  # fmt: skip
        told.append(text.format(f"{count:,}"))
    return [*told, *holder_sentences(done)]


def _of_list(job: Job | None) -> list[str]:
    if job is None:  # thirty days after its end
        return [_("The lines of the list are not kept any more.")]
    counts = jobs.count_verdicts(job)
    left = counts.pop("", 0)
    revoked, refused = counts.pop(jobs.REVOKED, 0), counts.pop("refused", 0)
    told = [
        ngettext("{} coupon was revoked.", "{} coupons were revoked.", revoked).format(
            f"{revoked:,}"
        ),
        ngettext("{} line was refused.", "{} lines were refused.", refused).format(f"{refused:,}"),
    ]
    if before := sum(counts.values()):
        text = ngettext(
            "{} coupon had been revoked before.", "{} coupons had been revoked before.", before
        )
        told.append(text.format(f"{before:,}"))
    if left and job.state != JobState.ABANDONED:
        text = ngettext("{} line is still waiting.", "{} lines are still waiting.", left)
        told.append(text.format(f"{left:,}"))
    elif job.state == JobState.ABANDONED:
        told.append(_("The list was abandoned: {}").format(job.reason))
    return told
