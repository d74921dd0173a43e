"""Gauges of jobs, waitlists and returned stock."""

from datetime import timedelta

import pytest
from django.utils import timezone

from coupons.claims.identifiers import make_uuid7
from coupons.models import Campaign, Job, JobState, Returned, WaitlistEntry
from coupons.monitoring.grant_collector import Grants, read_gauges
from coupons.observability import grant_metrics
from tests.conftest import CampaignMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def test_nothing_waits_on_a_new_site() -> None:
    assert set(read_gauges().values()) == {0}
    assert len(list(Grants().collect())) == 4


def test_what_waits_is_counted(open_campaign: CampaignMaker) -> None:
    open_campaign(returns_to="waitlist", waitlist_limit=5)
    campaign = Campaign.objects.get()
    job = Job.objects.create(id=make_uuid7(), campaign=campaign, kind="grants", state="ready")
    Job.objects.update(created_at=timezone.now() - timedelta(seconds=100))
    WaitlistEntry.objects.create(campaign=campaign, user="ann", number=1, asked_at=timezone.now())
    Returned.objects.create(campaign=campaign, returned=3, given_on=1)
    values = read_gauges()
    assert values[grant_metrics.JOBS_WAITING] == 1
    assert 99 < values[grant_metrics.JOBS_OLDEST] < 130
    assert values[grant_metrics.WAITLIST] == 1
    assert values[grant_metrics.RETURNED_DUE] == 2
    Job.objects.filter(pk=job.pk).update(state=JobState.DONE)
    assert read_gauges()[grant_metrics.JOBS_OLDEST] == 0
