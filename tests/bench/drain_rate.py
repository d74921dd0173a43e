"""Claims stored per second by one worker process ÷ rows of a bare INSERT per second."""

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.limits import slot_id
from coupons.issuing.drain import drain
from coupons.models import Coupon
from tests.bench import bench_campaigns, bench_users, redis_pipeline
from tests.bench.figures import Figure
from tests.bench.paired_rounds import Block, Pairs, interleave_blocks
from tests.bench.sample_sizes import Size

Row = tuple[Any, ...]

COLUMNS = (
    "slot_id", "campaign_id", "place", "user", "nth", "code", "admitted_at", "stored_at",
    "expires_at",
)  # fmt: skip


def measure_drain_ratio(_: Path, size: Size) -> list[Figure]:
    """Claims stored per second ÷ rows inserted per second: same table, batches and server."""
    claims = (size.drain_rounds + 1) * size.drain_block
    drained = bench_campaigns.open_campaign("drained", stock=claims)
    inserted = bench_campaigns.open_campaign("inserted", stock=claims)
    cpu = Pairs()
    pairs = interleave_blocks(
        "drain_ratio",
        _draining(drained, size.drain_block, cpu.ours),
        _inserting(inserted, size.drain_block, cpu.theirs),
        rounds=size.drain_rounds,
    )
    us = 1e6 / size.drain_block
    return [
        Figure(
            "drain_ratio", pairs.median_speed,
            {
                "total_ratio": pairs.total_speed,
                "claims_per_s": len(pairs.ours) * size.drain_block / sum(pairs.ours),
                "us_cpu_per_claim": us * sum(cpu.ours) / len(cpu.ours),
                "us_cpu_per_row": us * sum(cpu.theirs) / len(cpu.theirs),
                "rows_per_s": len(pairs.theirs) * size.drain_block / sum(pairs.theirs),
            },
            {"drain_s": pairs.ours, "insert_s": pairs.theirs,
             "drain_cpu_s": cpu.ours, "insert_cpu_s": cpu.theirs},
        )
    ]  # fmt: skip


def _draining(campaign: CampaignSnapshot, count: int, cpu: list[float]) -> Block:
    def run_block() -> float:
        redis_pipeline.fill_queue(campaign, bench_users.make_users(count))
        return _seconds(lambda: _drain(campaign, count), cpu)

    return run_block


def _drain(campaign: CampaignSnapshot, count: int) -> None:
    done = drain(campaign.slug, consumer="bench")
    if done.stored != count:
        raise RuntimeError(f"Of {count} claims {done.stored} were stored: {done}")


def _inserting(campaign: CampaignSnapshot, count: int, cpu: list[float]) -> Block:
    places = iter(range(1, campaign.stock + 1))

    def run_block() -> float:
        rows = [_row(campaign.id, next(places)) for _ in range(count)]
        return _seconds(lambda: _insert(rows), cpu)

    return run_block


def _insert(rows: list[Row]) -> None:
    for start in range(0, len(rows), settings.DRAIN_BATCH):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(INSERT, rows[start : start + settings.DRAIN_BATCH])


INSERT = (
    f"INSERT INTO {Coupon._meta.db_table} ({', '.join(COLUMNS)})"
    f" VALUES ({', '.join(['%s'] * len(COLUMNS))})"
)


def _row(campaign_id: int, place: int) -> Row:
    """A row with a coupon's columns; created before the measurement."""
    now = connection.ops.adapt_datetimefield_value(datetime.now(UTC))
    user, code = bench_users.make_users(1)[0].encode(), secrets.token_hex(8).encode()
    return slot_id(campaign_id, place), campaign_id, place, user, 1, code, now, now, now


def _seconds(work: Callable[[], object], cpu: list[float]) -> float:
    """Wall-clock seconds; the CPU seconds of this process are appended to `cpu`."""
    before, cpu_before = time.perf_counter(), time.process_time()
    work()
    spent = time.perf_counter() - before
    cpu.append(time.process_time() - cpu_before)
    return spent
