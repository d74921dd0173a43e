"""Seconds from the last admission until all claims are stored, by a real worker and beat."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from coupons.admission import strategies
from coupons.broker import wakeups
from coupons.campaigns import lookup
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim, Outcome
from coupons.models import Coupon, Tally
from tests.bench import bench_campaigns, bench_users, product_processes, redis_pipeline
from tests.bench.figures import Figure
from tests.bench.paired_rounds import with_progress
from tests.bench.sample_sizes import Size

PATIENCE_S = 60
_POLL_S = 0.005  # seconds; also the precision of the figure
Admitting = Callable[[CampaignSnapshot, list[str]], None]


def measure_drain_delay(folder: Path, size: Size) -> list[Figure]:
    """Claims through the product's admission; in the details, all in a few pipelines, which is
    faster than any web server."""
    with product_processes.run_worker_and_beat(folder):
        _one_by_one_after(1)  # waits until worker and beat are up
        walked = [
            _one_by_one_after(size.rush) for _ in with_progress("drained_after_s", size.rush_rounds)
        ]
        at_once = [
            _after(_at_once, size.rush) for _ in with_progress("… at once", size.rush_rounds)
        ]
    return [
        Figure(
            "drained_after_s", median(walked),
            {"claims": size.rush, "burst_drained_after_s": median(at_once)},
            {"after_s": walked, "burst_after_s": at_once},
        )
    ]  # fmt: skip


def _one_by_one_after(count: int) -> float:
    return _after(_one_by_one, count)


def _after(admit: Admitting, count: int) -> float:
    campaign = bench_campaigns.open_campaign("rush", stock=count)
    admit(campaign, bench_users.make_users(count))
    began = time.perf_counter()
    while _stored(campaign) < count:
        if time.perf_counter() - began > PATIENCE_S:
            raise RuntimeError(f"Only {_stored(campaign)} of {count} claims were stored.")
        time.sleep(_POLL_S)
    after = time.perf_counter() - began
    if Coupon.objects.filter(campaign_id=campaign.id).count() != count:
        raise RuntimeError("The tally differs from the number of rows.")
    return after


def _stored(campaign: CampaignSnapshot) -> int:
    return Tally.objects.get(campaign_id=campaign.id).stored


def _one_by_one(campaign: CampaignSnapshot, users: list[str]) -> None:
    for user in users:
        admission = strategies.admit(lookup.find_snapshot(campaign.slug), Claim(user))
        if admission.outcome is not Outcome.ADMITTED:
            raise RuntimeError(f"A claim was not admitted: {admission}")


def _at_once(campaign: CampaignSnapshot, users: list[str]) -> None:
    if redis_pipeline.fill_queue(campaign, users):
        wakeups.notify_drain(campaign.slug)
