"""A process that dies between any two lines of a grant, of serving the waitlist or of a job: no
unit leaks or is lost, nothing is done twice, and the next process does the rest."""

import io
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from coupons import store
from coupons.admission import strategies
from coupons.audit.actors import Actor
from coupons.bulk import jobs, receiving
from coupons.bulk.reading import ByteStream, Format
from coupons.campaigns import slots
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.grants import granting, returns, waitlist, waitlist_storing
from coupons.issuing.drain import drain
from coupons.models import (
    ActorKind,
    Campaign,
    Coupon,
    CouponEvent,
    Job,
    JobLine,
    Returned,
    WaitlistEntry,
)
from coupons.recovery import reconcile
from coupons.redemption import lifecycle
from coupons.store import Grantee
from tests.conftest import CampaignMaker
from tests.crash.drainer import GONE

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.stores]

MINA = Actor(ActorKind.OPERATOR, "Mina")


def die(environment: dict[str, str], action: str, point: str) -> None:
    command = [sys.executable, "-m", "tests.crash.dying_grant", action, point]
    ended = subprocess.run(command, env=environment, timeout=300, check=False, capture_output=True)
    assert ended.returncode == GONE, ended.stderr


def store_all(campaign: CampaignSnapshot) -> dict[str, int]:
    if campaign.strategy == Campaign.Strategy.QUEUED:
        drain("sale", consumer="survivor")
    return dict(Coupon.objects.values_list("user", "place"))


def assert_consistent(campaign: CampaignSnapshot) -> None:
    row = Campaign.objects.get()
    if campaign.strategy == Campaign.Strategy.QUEUED:
        gate = store.store().campaigns.gate("sale")
        assert (gate.stock, gate.granted) == (row.stock, row.granted)
        assert reconcile.compare_campaign("sale").left == 0
        assert (gate.parked, gate.waiting) == (0, 0)
    assert returns.check_returned("sale").faults == []


GRANT_POINTS = [
    "before:slots", "after:slots", "before:redis", "after:redis", "before:save", "after:save",
]  # fmt: skip


@pytest.mark.parametrize("strategy", ["queued", "direct"])
@pytest.mark.parametrize("point", GRANT_POINTS)
def test_a_grant(
    open_campaign: CampaignMaker, child_environment: dict[str, str], point: str, strategy: str
) -> None:
    """The public has two units before and after, and each of the five users one place."""
    if strategy == "direct" and "redis" in point:
        pytest.skip("a direct campaign has no step in Redis")
    campaign = open_campaign(stock=2, strategy=strategy)
    die(child_environment, "grant", point)
    granted = granting.grant_places(
        "sale", [Grantee(f"user-{n}", 1, f"r-{n}") for n in range(5)], actor=MINA
    )
    public = [strategies.admit(campaign, Claim(user)).place for user in ("ann", "bob", "late")]
    assert sorted(one.place for one in granted) == [1, 2, 3, 4, 5]
    assert public == [6, 7, 0]
    assert len(store_all(campaign)) == 7
    assert_consistent(campaign)
    assert slots.count_slots(Campaign.objects.get()) == 7


@pytest.mark.parametrize("point", ["before:write", "after:write", "before:delete", "after:delete"])
def test_storing_the_waitlist(
    open_campaign: CampaignMaker, child_environment: dict[str, str], point: str
) -> None:
    campaign = open_campaign(stock=1, waitlist_limit=50, returns_to="waitlist")
    strategies.admit(campaign, Claim("ann"))
    told = {f"user-{n}": waitlist.join_waitlist(campaign, f"user-{n}")[0].number for n in range(30)}
    die(child_environment, "store-waitlist", point)
    waitlist_storing.store_joined("sale")
    assert dict(WaitlistEntry.objects.values_list("user", "number")) == told


def test_negative_control_deleting_before_storing_loses_who_was_told(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=1, waitlist_limit=50, returns_to="waitlist")
    strategies.admit(campaign, Claim("ann"))
    waitlist.join_waitlist(campaign, "bob")
    batch = store.store().waitlist.read_joined("sale", count=10)
    store.store().waitlist.delete_joined("sale", list(batch.waiters))  # and here it dies
    waitlist_storing.store_joined("sale")
    assert not WaitlistEntry.objects.exists()


@pytest.mark.parametrize(
    ("returns_to", "point"),
    [
        ("waitlist", "before:speak"),
        ("waitlist", "after:speak"),
        ("waitlist", "before:grant"),
        ("waitlist", "after:redis"),
        ("waitlist", "after:grant"),
        ("waitlist", "before:places"),
        ("waitlist", "after:places"),
        ("pool", "before:copy"),
        ("pool", "after:copy"),
    ],
)
def test_giving_returned_stock_on(
    open_campaign: CampaignMaker, child_environment: dict[str, str], returns_to: str, point: str
) -> None:
    """Two units came back. Two users get them, whoever dies, and nobody else does."""
    limit = 50 if returns_to == "waitlist" else 0
    campaign = open_campaign(stock=2, waitlist_limit=limit, returns_to=returns_to)
    for user in ("ann", "bob"):
        strategies.admit(campaign, Claim(user))
    store_all(campaign)
    if limit:
        for user in ("jun", "mina", "carl"):
            waitlist.join_waitlist(campaign, user)
    for user in ("ann", "bob"):
        pk = Coupon.objects.get(user=user).pk
        lifecycle.revoke_coupon(pk=pk, actor=MINA, reason="stolen", returns=True)
    die(child_environment, "give-on", point)
    for _ in range(2):
        returns.give_on_everywhere()
    asked = [strategies.admit(campaign, Claim(user)).place for user in ("jun", "mina", "carl")]
    assert asked == [3, 4, 0]
    assert len(store_all(campaign)) == 4
    row = Returned.objects.get()
    assert (row.returned, row.given_on) == (2, 2)
    assert_consistent(campaign)


def start_job(body: str, kind: Job.Kind, **options: Any) -> Job:
    stream = ByteStream(io.BytesIO(body.encode()).read)
    job = receiving.receive_job(
        Campaign.objects.get(), kind, stream, Format.CSV, actor=MINA, **options
    )
    receiving.start_job(job)
    return job


def finish_job(job: Job) -> dict[str, str]:
    Job.objects.update(leased_until=timezone.now() - timedelta(seconds=1))  # the dead one's
    jobs.work_on_jobs()
    job.refresh_from_db()
    assert job.state == "done"
    return {line.data["user"]: line.verdict for line in JobLine.objects.filter(job=job)}


@pytest.mark.parametrize("strategy", ["queued", "direct"])
@pytest.mark.parametrize(
    "point", ["before:grant", "before:save", "after:grant", "before:verdicts", "after:verdicts"]
)
def test_a_job_of_grants(
    open_campaign: CampaignMaker, child_environment: dict[str, str], point: str, strategy: str
) -> None:
    campaign = open_campaign(stock=1, strategy=strategy)
    strategies.admit(campaign, Claim("ann"))
    store_all(campaign)
    job = start_job("user\nann\nbob\njun\n", Job.Kind.GRANTS)
    die(child_environment, "work", point)
    assert finish_job(job) == {"ann": "has_place", "bob": "granted", "jun": "granted"}
    assert store_all(campaign) == {"ann": 1, "bob": 2, "jun": 3}
    assert_consistent(campaign)


@pytest.mark.parametrize(
    "point", ["before:revoke", "after:revoke", "before:revoke-lines", "after:revoke-lines"]
)
def test_a_job_of_revocations(
    open_campaign: CampaignMaker, child_environment: dict[str, str], point: str
) -> None:
    campaign = open_campaign(stock=3, strategy="direct")
    users = ["ann", "bob", "jun"]
    for user in users:
        strategies.admit(campaign, Claim(user))
    job = start_job("user\nann\nbob\njun\n", Job.Kind.REVOCATIONS, reason="stolen")
    die(child_environment, "work", point)
    assert finish_job(job) == dict.fromkeys(users, "revoked")
    assert CouponEvent.objects.count() == 3
