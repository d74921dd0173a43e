"""Which places of users were given by this very job, before its process died."""

from collections.abc import Sequence

from coupons.claims.limits import slot_id
from coupons.database import availability
from coupons.grants.verdicts import Granted
from coupons.issuing import queue
from coupons.models import Campaign, Coupon, Job, JobLine

Pair = tuple[JobLine, Granted]


def request_of(job: Job, line: int) -> str:
    """The request id of a line's claim; it stays in the coupon's row."""
    return f"{job.pk.hex}.{line}"


def own_grants(job: Job, pairs: Sequence[Pair]) -> set[int]:
    """The lines among them whose user's place was given for this line. Raises StoreAway,
    DatabaseAway."""
    wanted = {one.place: request_of(job, line.line) for line, one in pairs}
    requests = _stored_requests(job, list(wanted))
    missing = wanted.keys() - requests.keys()
    if missing and job.campaign.strategy == Campaign.Strategy.QUEUED:
        for batch in queue.waiting_batches(job.campaign.slug):
            for claim in batch.claims.values():
                if claim.place in missing:
                    requests[claim.place] = claim.request
        requests |= _stored_requests(job, list(wanted.keys() - requests.keys()))
    return {
        line.line for line, one in pairs if requests.get(one.place) == request_of(job, line.line)
    }


def _stored_requests(job: Job, places: Sequence[int]) -> dict[int, str]:
    if not places:
        return {}
    with availability.require_database():
        rows = Coupon.objects.filter(pk__in=[slot_id(job.campaign_id, place) for place in places])
        return {place: request or "" for place, request in rows.values_list("place", "request_id")}
