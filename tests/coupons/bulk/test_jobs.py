"""Jobs: each line gets one verdict, also if processes die or work on one job at once."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from coupons.admission import strategies
from coupons.audit.actors import Actor
from coupons.bulk import jobs, own_claims, receiving
from coupons.bulk.reading import BadLine, ByteStream, Format
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.errors import BadInput, StoreAway
from coupons.grants import granting
from coupons.issuing.drain import drain
from coupons.models import (
    ActorKind,
    Campaign,
    CampaignEvent,
    Coupon,
    Job,
    JobLine,
    JobState,
    Returned,
)
from coupons.store import Grantee
from tests.conftest import CampaignMaker, Settings

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]

MINA = Actor(ActorKind.OPERATOR, "Mina")


def receive(body: str, kind: Job.Kind = Job.Kind.GRANTS, **options: Any) -> Job:
    stream = ByteStream(io.BytesIO(body.encode()).read)
    campaign = Campaign.objects.get(slug="sale")
    job = receiving.receive_job(campaign, kind, stream, Format.CSV, actor=MINA, **options)
    receiving.start_job(job)
    return job


def verdicts(job: Job) -> list[tuple[int, str]]:
    return list(JobLine.objects.filter(job=job).order_by("line").values_list("line", "verdict"))


def stored(campaign: CampaignSnapshot) -> dict[str, int]:
    if campaign.strategy == Campaign.Strategy.QUEUED:
        drain("sale", consumer="one")
    return dict(Coupon.objects.values_list("user", "place"))


def test_each_line_gets_its_verdict(open_campaign: CampaignMaker, strategy: str) -> None:
    campaign = open_campaign(stock=1, strategy=strategy)
    strategies.admit(campaign, Claim("ann"))
    job = receive("user,nth\nbob,\nann,\n\nbob,\njun,2\n")
    assert jobs.work_on_jobs() is False
    assert verdicts(job) == [
        (2, "granted"), (3, "has_place"), (5, "has_place"), (6, "refused"),
    ]  # fmt: skip
    job.refresh_from_db()
    assert (job.state, job.next_line, job.leased_until) == (JobState.DONE, 7, None)
    assert job.finished_at is not None
    assert stored(campaign) == {"ann": 1, "bob": 2}
    assert JobLine.objects.get(job=job, line=6).detail == {"reason": "bad_nth"}
    assert (JobLine.objects.get(job=job, line=2).detail or {})["place"] == 2
    assert CampaignEvent.objects.get(kind="granted").data == {"count": 1}
    assert jobs.count_verdicts(job) == {"granted": 1, "has_place": 2, "refused": 1}


def test_a_list_with_a_fault_leaves_nothing(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "BATCH", 2)
    open_campaign()
    with pytest.raises(BadLine, match="line 7"):
        receive("user\na\nb\nc\nd\ne\n" + "x" * 129)
    with pytest.raises(BadInput, match="has no lines"):
        receive("user\n\n")
    assert (Job.objects.count(), JobLine.objects.count()) == (0, 0)


def test_what_a_dead_process_had_begun_to_receive_is_removed(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_campaign()
    job = receive("user\nann\n")
    Job.objects.update(
        state=JobState.RECEIVING, created_at=timezone.now() - receiving.ABANDONED_AFTER * 2
    )
    assert jobs.work_on_jobs() is False
    assert not Job.objects.filter(pk=job.pk).exists()
    assert not JobLine.objects.exists()


@pytest.mark.parametrize("is_stored", [False, True], ids=["waiting", "stored"])
def test_a_job_that_died_after_its_grants_says_granted_all_the_same(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch, is_stored: bool, strategy: str
) -> None:
    """Redis (or MySQL) gave the places, and the process died before the verdicts were written."""
    campaign = open_campaign(stock=1, strategy=strategy)
    strategies.admit(campaign, Claim("ann"))
    job = receive("user\nbob\nann\njun\n")
    with monkeypatch.context() as dead:
        dead.setattr(jobs, "_write_verdicts", lambda *_: None)
        jobs.run_batch(job)
    if is_stored:
        stored(campaign)
    jobs.work_on_jobs()
    assert verdicts(job) == [(2, "granted"), (3, "has_place"), (4, "granted")]
    assert stored(campaign) == {"ann": 1, "bob": 2, "jun": 3}


def test_negative_control_without_the_claims_own_request_it_would_say_has_place(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_campaign(stock=1)
    job = receive("user\nbob\n")
    with monkeypatch.context() as dead:
        dead.setattr(jobs, "_write_verdicts", lambda *_: None)
        jobs.run_batch(job)
    monkeypatch.setattr(own_claims, "own_grants", lambda *_: set())
    jobs.work_on_jobs()
    assert verdicts(job) == [(2, "has_place")]


def test_a_second_process_on_the_same_lines_changes_no_verdict(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_campaign()
    job = receive("user\nann\nbob\n")
    late = Job.objects.select_related("campaign").get(pk=job.pk)
    jobs.run_batch(job)
    before = verdicts(job)
    lines = list(JobLine.objects.filter(job=job))
    for line in lines:
        line.verdict = "has_place"
    jobs._write_verdicts(late, lines)
    assert verdicts(job) == before == [(2, "granted"), (3, "granted")]


def test_a_leased_job_is_left_alone_until_its_lease_ends(open_campaign: CampaignMaker) -> None:
    open_campaign()
    job = receive("user\nann\n")
    Job.objects.update(leased_until=timezone.now() + jobs.LEASE)
    jobs.work_on_jobs()
    assert verdicts(job) == [(2, "")]
    Job.objects.update(leased_until=timezone.now() - jobs.LEASE)
    jobs.work_on_jobs()
    assert verdicts(job) == [(2, "granted")]


def test_a_full_queue_is_waited_for(
    open_campaign: CampaignMaker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LONGEST_QUEUE = 2
    campaign = open_campaign()
    job = receive("user\n" + "".join(f"user-{n}\n" for n in range(5)))
    monkeypatch.setattr(jobs, "_FULL_QUEUE_PAUSE_S", 0)
    while jobs.run_batch(job):
        stored(campaign)
    assert {verdict for _, verdict in verdicts(job)} == {"granted"}
    assert len(stored(campaign)) == 5


def test_a_store_that_is_away_leaves_the_job_to_be_resumed(
    open_campaign: CampaignMaker, redis_away: Callable[[], None]
) -> None:
    open_campaign()
    job = receive("user\nann\n")
    redis_away()
    with pytest.raises(StoreAway):
        jobs.work_on_jobs()
    job.refresh_from_db()
    assert (job.state, job.leased_until) == (JobState.RUNNING, None)


def test_revocations(open_campaign: CampaignMaker, strategy: str) -> None:
    campaign = open_campaign(stock=5, strategy=strategy)
    granting.grant_places(
        "sale", [Grantee(user, 1, "") for user in ("ann", "bob", "jun")], actor=MINA
    )
    stored(campaign)
    code = Coupon.objects.get(user="ann").code
    job = receive(
        f"code,user\n{code},\n,bob\n,bob\n,nobody\n",
        Job.Kind.REVOCATIONS,
        reason="stolen list",
        returns=True,
    )
    jobs.work_on_jobs()
    assert verdicts(job) == [
        (2, "revoked"), (3, "revoked"), (4, "revoked_before"), (5, "refused"),
    ]  # fmt: skip
    assert JobLine.objects.get(job=job, line=5).detail == {"reason": "unknown_coupon"}
    assert Returned.objects.get().returned == 2
