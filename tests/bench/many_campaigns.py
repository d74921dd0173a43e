"""The cost of a thousand other open campaigns: two Redis servers, measured in turn."""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from django.db import transaction

from coupons import tasks
from coupons.admission import strategies
from coupons.campaigns import lookup, recorded_states
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim, Outcome
from coupons.issuing.drain import drain
from coupons.store import WAKEUP_TTL_MS
from tests.bench import bench_campaigns, bench_users, redis_pipeline, second_redis
from tests.bench.figures import Figure
from tests.bench.paired_rounds import Block, Pairs, interleave_blocks
from tests.bench.sample_sizes import Size


def measure_campaign_growth(folder: Path, size: Size) -> list[Figure]:
    """The worse of two ratios, 1,000 ÷ 1: time per admission, and per claim drained."""
    with (
        second_redis.another_redis(folder / "one") as one,
        second_redis.another_redis(folder / "many") as many,
    ):
        alone, crowd = _opened(one, 1, size), _opened(many, size.many, size)
        admitting = interleave_blocks(
            "campaigns_growth",
            _admitting(many, crowd[:1], size.many_block),
            _admitting(one, alone, size.many_block),
            rounds=size.many_rounds,
        )
        draining = interleave_blocks(
            "… of drains",
            _draining(many, crowd[0], size.many_block),
            _draining(one, alone[0], size.many_block),
            rounds=size.many_rounds,
        )
        idle_s = _sweep_s(many)
        spread = _spread(many, crowd, size)
        ringing_s = _sweep_s(many)
    return [_figure(admitting, draining, spread, {"idle": idle_s, "ringing": ringing_s})]


def _figure(admitting: Pairs, draining: Pairs, spread: Pairs, sweep_s: dict[str, float]) -> Figure:
    return Figure(
        "campaigns_growth", max(admitting.quiet_cost, draining.quiet_cost),
        {
            "of_admissions": admitting.quiet_cost,
            "of_drains": draining.quiet_cost,
            "spread_over_all": spread.median_cost,
            "idle_sweep_ms": 1000 * sweep_s["idle"],
            "ringing_sweep_ms": 1000 * sweep_s["ringing"],
            "us_per_admission": 1e6 * median(admitting.ours),
        },
        {
            "many_admission_s": admitting.ours, "one_admission_s": admitting.theirs,
            "many_drain_s": draining.ours, "one_drain_s": draining.theirs,
            "spread_admission_s": spread.ours,
        },
    )  # fmt: skip


def _opened(url: str, count: int, size: Size) -> list[CampaignSnapshot]:
    """Campaigns on one Redis; created in one transaction, which is much faster."""
    stock = 4 * (size.many_rounds + 1) * size.many_block
    with second_redis.use_redis(url), transaction.atomic():
        first = bench_campaigns.open_campaign("many", stock=stock)
        return [
            first,
            *(bench_campaigns.open_campaign("other", stock=100) for _ in range(count - 1)),
        ]


def _admitting(url: str, claimed: Sequence[CampaignSnapshot], count: int) -> Block:
    """Seconds per claim; the campaigns take turns."""

    def run_block() -> float:
        users = bench_users.make_users(count + 1)
        with second_redis.use_redis(url):
            _admit(claimed[0], users.pop())  # connects
            before = time.perf_counter()
            for number, user in enumerate(users):
                _admit(claimed[number % len(claimed)], user)
            return (time.perf_counter() - before) / count

    return run_block


def _admit(campaign: CampaignSnapshot, user: str) -> None:
    admission = strategies.admit(lookup.find_snapshot(campaign.slug), Claim(user))
    if admission.outcome is not Outcome.ADMITTED:
        raise RuntimeError(f"A claim was not admitted: {admission}")


def _draining(url: str, campaign: CampaignSnapshot, count: int) -> Block:
    """Seconds per claim."""

    def run_block() -> float:
        with second_redis.use_redis(url):
            drain(campaign.slug, consumer="bench")  # claims that other blocks have admitted
            redis_pipeline.fill_queue(campaign, bench_users.make_users(count))
            before = time.perf_counter()
            done = drain(campaign.slug, consumer="bench")
            spent = time.perf_counter() - before
        if done.stored != count:
            raise RuntimeError(f"Of {count} claims {done.stored} were stored.")
        return spent / count

    return run_block


def _spread(url: str, crowd: Sequence[CampaignSnapshot], size: Size) -> Pairs:
    """For the details: claims on all campaigns in turn, each look-up uncached, ÷ on one."""
    return interleave_blocks(
        "… spread over all",
        _admitting(url, crowd, 2 * len(crowd)),
        _admitting(url, crowd[:1], size.many_block),
        rounds=3,
    )


def _sweep_s(url: str) -> float:
    """Seconds of beat's sweep, which runs every second."""
    with second_redis.use_redis(url):
        recorded_states.follow_the_clock()  # openings are recorded once
        time.sleep(WAKEUP_TTL_MS / 1000)  # the wake-ups sent by admissions have expired
        before = time.perf_counter()
        tasks.sweep()
        return time.perf_counter() - before
