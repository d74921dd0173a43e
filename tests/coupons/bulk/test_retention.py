"""Lines of old jobs are deleted, batch by batch; those of others stay."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from coupons.bulk import retention
from coupons.models import Campaign, Job, JobLine, JobState
from tests.conftest import CampaignMaker

pytestmark = [pytest.mark.django_db, pytest.mark.stores]


def make_job(campaign_id: int, *, days_ago: int, state: str = JobState.DONE) -> Job:
    at = timezone.now() - timedelta(days=days_ago)
    job = Job.objects.create(
        id=uuid.uuid4(), campaign_id=campaign_id, kind=Job.Kind.GRANTS, state=state, lines=7,
        finished_at=at if state == JobState.DONE else None,
    )  # fmt: skip
    Job.objects.filter(pk=job.pk).update(created_at=at)
    JobLine.objects.bulk_create(JobLine(job=job, line=line, data={}) for line in range(1, 8))
    return job


def test_old_lines_go_in_batches_and_then_their_job(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    sale = open_campaign("sale")
    old, recent, running = (
        make_job(sale.id, days_ago=31),
        make_job(sale.id, days_ago=29),
        make_job(sale.id, days_ago=40, state=JobState.RUNNING),
    )
    assert [retention.remove_old_lines() for _ in range(5)] == [3, 3, 1, 1, 0]
    assert not JobLine.objects.filter(job_id=old.pk).exists()
    assert set(Job.objects.values_list("pk", flat=True)) == {recent.pk, running.pk}
    assert JobLine.objects.count() == 14
    assert Campaign.objects.filter(slug="sale").exists()
