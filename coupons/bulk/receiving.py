"""Receive a job: its lines are stored as they are read, and nothing is done until all are there."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from coupons.audit import trail
from coupons.audit.actors import Actor
from coupons.broker import wakeups
from coupons.bulk import reading
from coupons.bulk.lines import insert_lines
from coupons.bulk.reading import ByteStream, Format
from coupons.claims.identifiers import make_uuid7
from coupons.database import availability, clock
from coupons.errors import BadInput, IllegalTransition, UnknownCampaign
from coupons.models import Act, Campaign, Job, JobLine, JobState

BATCH = 1_000  # lines
ABANDONED_AFTER = timedelta(hours=1)  # of one that is still being received
ASKED_FOR = timedelta(hours=24)  # of one that waits for an approval, which ends hours earlier
_NOT_STARTED = (JobState.RECEIVING, JobState.ASKED)
_FIELDS = {
    Job.Kind.GRANTS: reading.GRANT_FIELDS,
    Job.Kind.REVOCATIONS: reading.REVOCATION_FIELDS,
}


def no_progress(lines: int) -> None:
    """Report no progress."""


def find_campaign(slug: str, *, merchant_id: int | None = None) -> Campaign:
    """A public campaign; of this merchant, unless it is None. Raises UnknownCampaign,
    IllegalTransition, DatabaseAway."""
    rows = Campaign.objects.filter(slug=slug)
    with availability.require_database():
        campaign = (rows.filter(merchant_id=merchant_id) if merchant_id else rows).first()
    if campaign is None:
        raise UnknownCampaign
    if campaign.state == Campaign.State.DRAFT:
        raise IllegalTransition("A draft has no places yet: schedule it first.")
    return campaign


def receive_job(
    campaign: Campaign,
    kind: Job.Kind,
    stream: ByteStream,
    file_format: Format,
    *,
    actor: Actor,
    merchant_id: int | None = None,
    reason: str = "",
    tell: Callable[[int], None] = no_progress,
    **options: Any,
) -> Job:
    """Store all lines; `start_job` starts the work. Raises BadLine, BodyTooLarge, BadInput (no
    lines), DatabaseAway: then nothing is left of it, or what is left is removed later."""
    job = Job(
        id=make_uuid7(), merchant_id=merchant_id, campaign=campaign, kind=kind, reason=reason,
        actor_kind=actor.kind, actor=actor.name[:150], options=options,
    )  # fmt: skip
    with availability.require_database():
        job.save(force_insert=True)
    try:
        _store_lines(job, stream, file_format, tell)
    except BaseException:
        discard_job(job)
        raise
    return job


def _store_lines(
    job: Job, stream: ByteStream, file_format: Format, tell: Callable[[int], None]
) -> None:
    batch: list[JobLine] = []
    for number, record in reading.read_records(stream, file_format, _FIELDS[Job.Kind(job.kind)]):
        batch.append(JobLine(job=job, line=number, data=record))
        job.lines += 1
        if len(batch) == BATCH:
            _insert_batch(batch)
            tell(job.lines)
            batch = []
    _insert_batch(batch)
    if not job.lines:
        raise BadInput("body", "has no lines")


def _insert_batch(batch: list[JobLine]) -> None:
    with availability.require_database(), transaction.atomic():
        insert_lines(batch)


def start_job(job: Job) -> None:
    """From the commit on it is worked on. May be a part of the caller's transaction."""
    job.state = JobState.READY
    with transaction.atomic():
        job.save(update_fields=["state", "lines"])
        record_job(Act.JOB_TAKEN, job, {"kind": job.kind, "lines": job.lines, **job.options})
        transaction.on_commit(wakeups.notify_bulk)


def record_job(verb: Act, job: Job, after: dict[str, Any]) -> None:
    """A row of the audit log, in the caller's transaction."""
    trail.record_act(
        verb, kind="job", id=job.pk, campaign=job.campaign_id, after=after, reason=job.reason
    )


def discard_job(job: Job) -> None:
    """Remove a job that was not started, with its lines."""
    with availability.require_database():
        while True:
            rows = JobLine.objects.filter(job=job).order_by("line")
            last = rows.values_list("line", flat=True)[BATCH - 1 : BATCH].first()
            if last is None:
                rows.delete()
                break
            JobLine.objects.filter(job=job, line__lte=last).delete()
        Job.objects.filter(pk=job.pk, state__in=_NOT_STARTED).delete()


def discard_abandoned() -> None:
    """Remove jobs whose receiving process died, and those that nobody has approved in time."""
    with availability.require_database():
        now = clock.read_now()
        died = Q(state=JobState.RECEIVING, created_at__lt=now - ABANDONED_AFTER)
        left = Q(state=JobState.ASKED, created_at__lt=now - ASKED_FOR)
        jobs = list(Job.objects.filter(died | left)[:10])
    for job in jobs:
        discard_job(job)
