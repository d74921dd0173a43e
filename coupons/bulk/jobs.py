"""Work on jobs, line by line. Each line gets one verdict, whatever dies.

    1  lease       one process at a time works on a job; a dead one's lease ends by itself
    2  work        a batch of lines from `next_line` on
    3  verdicts    the lines' verdicts and `next_line`, in one transaction

Revocations do 2 and 3 in one transaction. Grants can't: Redis gives the places. If the process dies
in between, the batch is granted again, and a user whose claim names this job and line was granted
by it the first time.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q

from coupons.audit import log, origin
from coupons.audit.actors import Actor
from coupons.audit.origin import Origin
from coupons.bulk import own_claims, receiving
from coupons.bulk.lines import insert_lines
from coupons.campaigns import undoable
from coupons.campaigns.fault_isolation import isolate_campaign
from coupons.claims.limits import slot_id
from coupons.database import availability, clock
from coupons.errors import CouponError, DependencyAway, Refused, UnknownCampaign
from coupons.grants import granting
from coupons.grants.verdicts import Granted, Verdict
from coupons.models import (
    Act,
    ActorKind,
    AuditActor,
    EventKind,
    Job,
    JobLine,
    JobState,
    UndoableVerb,
)
from coupons.observability.metrics import Work
from coupons.redemption import lifecycle
from coupons.store import Grantee

LEASE = timedelta(seconds=30)
REVOKED = "revoked"  # verdict of a coupon that was taken by the job
REVOKED_AT_ONCE = 20  # coupons that one transaction locks
_FULL_QUEUE_PAUSE_S = 0.5
_OTHERS_PAUSE_S = 0.5

logger = logging.getLogger(__name__)


def _never() -> bool:
    return False


def work_on_jobs(*, time_s: float = 20, stopping: Callable[[], bool] = _never) -> bool:
    """Work on the jobs that wait, the oldest first, for `time_s` at most. Returns whether there is
    more to do. A job that fails does not stop the others."""
    deadline = time.monotonic() + time_s
    receiving.discard_abandoned()
    tried: set[Any] = set()
    while (job := _lease_next(tried)) is not None:
        tried.add(job.pk)
        try:
            with isolate_campaign(job.campaign.slug, Work.BULK):
                while run_batch(job):
                    if time.monotonic() >= deadline or stopping():
                        return True
        finally:
            _release(job)
    return False


def finish_job(job: Job, *, tell: Callable[[int], None] = receiving.no_progress) -> None:
    """Work on one job here and now; while another process works on it, wait for that one. `tell`
    gets the number of its last line done. Raises DependencyAway: a worker goes on with it."""
    try:
        while job.state not in (JobState.DONE, JobState.ABANDONED):
            if _lease(job):
                while run_batch(job):
                    tell(job.next_line - 1)
            else:
                time.sleep(_OTHERS_PAUSE_S)
            with availability.require_database():
                job.refresh_from_db()
    finally:
        _release(job)


def _lease(job: Job) -> bool:
    now = clock.read_now()
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=now)
    with availability.require_database():
        rows = Job.objects.filter(free, pk=job.pk, finished_at__isnull=True)
        return bool(rows.update(state=JobState.RUNNING, leased_until=now + LEASE))


def _lease_next(tried: set[Any]) -> Job | None:
    with availability.require_database():
        free = Q(leased_until__isnull=True) | Q(leased_until__lt=clock.read_now())
        waiting = Job.objects.filter(free, state__in=(JobState.READY, JobState.RUNNING))
        rows = waiting.exclude(pk__in=tried).select_related("campaign").order_by("created_at")
        job = rows.first()
        if job is None:
            return None
    return job if _lease(job) else _lease_next(tried | {job.pk})


def _release(job: Job) -> None:
    with availability.require_database():
        Job.objects.filter(pk=job.pk).update(leased_until=None)


def run_batch(job: Job) -> bool:
    """Work on the next lines. Returns whether any are left. Raises DependencyAway: asking again
    goes on."""
    with availability.require_database():
        rows = JobLine.objects.filter(job=job, line__gte=job.next_line, verdict="")
        size = REVOKED_AT_ONCE if job.kind == Job.Kind.REVOCATIONS else granting.MOST_AT_ONCE
        lines = list(rows.order_by("line")[:size])
    if not lines:
        _finish(job, JobState.DONE)
        return False
    try:
        (_revoke_lines if job.kind == Job.Kind.REVOCATIONS else _grant_lines)(job, lines)
    except (Refused, UnknownCampaign) as error:
        logger.warning("job %s of %s is abandoned: %s", job.pk, job.campaign.slug, error)
        _finish(job, JobState.ABANDONED, reason=str(error)[:500])
        return False
    return True


def _finish(job: Job, state: JobState, **more: Any) -> None:
    with availability.require_database(), transaction.atomic():
        now = clock.read_now()
        running = Job.objects.filter(pk=job.pk, finished_at__isnull=True)
        if not running.update(state=state, finished_at=now, leased_until=None, **more):
            return
        granted = JobLine.objects.filter(job=job, verdict=Verdict.GRANTED).count()
        with origin.acting(lambda: _origin_of(job)):
            receiving.record_job(
                Act.JOB_DONE, job, {"kind": job.kind, "state": state, **count_verdicts(job)}
            )
            if granted:
                log.record_event(job.campaign, job.actor, EventKind.GRANTED, count=granted)
        _record_undoable(job, UndoableVerb.GRANTS, granted)
        revoked = JobLine.objects.filter(job=job, verdict=REVOKED).count()
        _record_undoable(job, UndoableVerb.REVOKE, revoked)


def _record_undoable(job: Job, verb: UndoableVerb, count: int) -> None:
    if count:
        undoable.record_undoable(job.campaign, verb, job.actor, job=str(job.pk), count=count)


def _origin_of(job: Job) -> Origin:
    """Who gave the job, whichever worker does it."""
    host = origin.of_process(AuditActor.CLOCK, "").address
    return Origin(AuditActor(str(job.actor_kind)), job.actor, host, f"job {job.pk}")


# Grants


def _grant_lines(job: Job, lines: Sequence[JobLine]) -> None:
    grantees = [
        Grantee(line.data["user"], line.data.get("nth", 1), own_claims.request_of(job, line.line))
        for line in lines
    ]
    actor = Actor(ActorKind(job.actor_kind), job.actor)
    granted = granting.grant_places(job.campaign.slug, grantees, actor=actor, record=False)
    verdicts = [one.verdict for one in granted]
    is_full = Verdict.LATER in verdicts
    upto = verdicts.index(Verdict.LATER) if is_full else len(lines)
    done = list(zip(lines, granted, strict=True))[:upto]
    known = [pair for pair in done if pair[1].verdict is Verdict.HAS_PLACE]
    own = own_claims.own_grants(job, known)
    for line, one in done:
        line.verdict = Verdict.GRANTED if line.line in own else one.verdict
        line.detail = _detail(job, one)
    if done:
        _write_verdicts(job, [line for line, _ in done])
    if is_full:
        time.sleep(_FULL_QUEUE_PAUSE_S)


def _detail(job: Job, one: Granted) -> dict[str, Any]:
    if one.place:
        return {"place": one.place, "coupon": str(slot_id(job.campaign_id, one.place))}
    return {"reason": one.reason}


def _write_verdicts(job: Job, lines: Sequence[JobLine]) -> None:
    """Only if no other process has worked on these lines meanwhile. Rows are replaced: two
    statements, where an UPDATE of each line would be five hundred."""
    with availability.require_database(), transaction.atomic():
        if not _advance(job, lines[-1].line + 1):
            return
        first, last = lines[0].line, lines[-1].line
        JobLine.objects.filter(job=job, line__gte=first, line__lte=last).delete()
        insert_lines(lines)


def _advance(job: Job, next_line: int) -> bool:
    """Compare and set `next_line`, and renew the lease. In the caller's transaction."""
    current = Job.objects.filter(pk=job.pk, next_line=job.next_line)
    advanced = current.update(next_line=next_line, leased_until=clock.read_now() + LEASE)
    if advanced:
        job.next_line = next_line
    else:
        job.refresh_from_db(fields=["next_line"])
    return bool(advanced)


# Revocations


def _revoke_lines(job: Job, lines: Sequence[JobLine]) -> None:
    with availability.require_database(), transaction.atomic():
        if not _advance(job, lines[-1].line + 1):
            return
        for line in lines:
            verdict, detail = revoke_line(job, line.data)
            JobLine.objects.filter(job=job, line=line.line).update(verdict=verdict, detail=detail)


def revoke_line(job: Job, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if "code" in data:
        coupon: dict[str, Any] = {"code": data["code"]}
    else:
        coupon = {"user": data["user"], "nth": data.get("nth", 1)}
    try:
        with transaction.atomic():
            done = lifecycle.revoke_coupon(
                actor=Actor(ActorKind(job.actor_kind), job.actor),
                reason=job.reason,
                merchant_id=job.merchant_id,
                force=bool(job.options.get("force")),
                returns=bool(job.options.get("returns")),
                campaign_id=job.campaign_id,
                **coupon,
            )
    except DependencyAway:
        raise
    except CouponError as refusal:
        return Verdict.REFUSED, {"reason": refusal.code}
    return (REVOKED if done.is_new else "revoked_before"), {"coupon": str(done.life.slot)}


def count_verdicts(job: Job) -> dict[str, int]:
    """Lines by verdict; "": not worked on yet."""
    with availability.require_database():
        rows = JobLine.objects.filter(job=job).order_by("verdict").values_list("verdict")
        return dict(rows.annotate(Count("line")))
