"""The state that an approval request is about: is it the same now, and what would be done."""

import hashlib
from typing import Any

import orjson
from django.utils.translation import gettext as _

from coupons.campaigns.definition import definition_version
from coupons.errors import Refused
from coupons.models import ApprovalRequest, Campaign, Job
from coupons.operations import dry_runs
from coupons.operations.forecast import Forecast
from coupons.store import store

Verb = ApprovalRequest.Verb


def has_changed(request: ApprovalRequest, campaign: Campaign) -> bool:
    """Whether it was asked for in another state than now. Raises StoreAway."""
    return state_hash(campaign, Verb(request.verb), request.data) != request.seen


def forecast_now(request: ApprovalRequest, *, actor: str) -> Forecast:
    """What approving it would do now. Raises StoreAway, DatabaseAway, UnknownCampaign, Refused."""
    slug = request.campaign.slug
    if request.verb == Verb.CLOSE:
        return dry_runs.forecast_verb("close", slug, actor=actor)
    if request.verb == Verb.GIVE_UP:
        entries = request.data["entries"]
        return dry_runs.forecast_give_up(slug, entries, why=request.reason, actor=actor)
    job = Job.objects.select_related("campaign").filter(pk=request.data["job"]).first()
    if job is None:
        raise Refused(_("The list is not there any more."))
    return dry_runs.forecast_revocations(job)


def state_hash(campaign: Campaign, verb: Verb, data: dict[str, Any]) -> str:
    """Of what the asking person saw: if it differs later, the approval would be of something
    else."""
    seen: list[Any] = [verb.value]
    if verb is Verb.CLOSE:
        seen += [definition_version(campaign), campaign.state, campaign.held]
    elif verb is Verb.GIVE_UP:
        parked = [store().queue.parked_at(campaign.slug, entry) for entry in data["entries"]]
        seen += [[one.id, sorted(one.fields.items())] for found in parked for one in found]
    else:
        seen += [data["job"], Job.objects.filter(pk=data["job"]).values_list("lines").first()]
    return hashlib.sha256(orjson.dumps(seen, default=_as_text)).hexdigest()


def _as_text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
