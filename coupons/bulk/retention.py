"""Old jobs: their lines are rows, a hundred thousand for a list, and nobody reads them for ever."""

from datetime import timedelta

from django.db import transaction

from coupons.database import availability, clock
from coupons.models import Job, JobLine, JobState

KEPT = timedelta(days=30)  # as events for webhooks; the campaign's history keeps that it was
BATCH = 5_000  # lines in a transaction
_ENDED = (JobState.DONE, JobState.ABANDONED)


def remove_old_lines() -> int:
    """Delete at most BATCH lines of a job that ended before KEPT, the last ones first, and then the
    job. Returns how many rows were deleted. Safe in parallel. Raises DatabaseAway."""
    with availability.require_database(), transaction.atomic():
        old = clock.read_now() - KEPT
        ended = Job.objects.filter(state__in=_ENDED, created_at__lt=old, finished_at__lt=old)
        job = ended.order_by("created_at").select_for_update(skip_locked=True).first()
        if job is None:
            return 0
        newest = JobLine.objects.filter(job=job).order_by("-line")
        lines = list(newest.values_list("line", flat=True)[:BATCH])
        if not lines:
            job.delete()
            return 1
        JobLine.objects.filter(job=job, line__gte=lines[-1]).delete()
    return len(lines)
