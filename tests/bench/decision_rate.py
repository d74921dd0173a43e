"""Bare decisions per second: `admit.lua` pipelined, beside `redis-benchmark`'s EVALSHA."""

import csv
import secrets
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from django.conf import settings

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.store import claimant_field, store
from tests.bench import bench_campaigns, bench_users, redis_pipeline
from tests.bench.figures import Figure
from tests.bench.paired_rounds import interleave_blocks
from tests.bench.sample_sizes import Size

CLIENTS = 2  # one packs while Redis works for the other
PIPELINE = 50  # of redis-benchmark
_CONNECTIONS = 20


def measure_decisions(_: Path, size: Size) -> list[Figure]:
    campaign = bench_campaigns.open_campaign(
        "bare", stock=2 * (size.decision_rounds + 1) * size.decision_block
    )
    with redis_pipeline.open_connection():  # loads the script
        pairs = interleave_blocks(
            "redis_decisions_per_s",
            lambda: _pipelined(campaign, size.decision_block),
            lambda: _redis_benchmark(campaign, size.decision_block),
            rounds=size.decision_rounds,
        )
    return [
        Figure(
            "redis_decisions_per_s", 1 / median(pairs.ours),
            {"redis_benchmark_per_s": 1 / median(pairs.theirs), "ratio": pairs.median_speed},
            {"decision_s": pairs.ours, "redis_benchmark_s": pairs.theirs},
        )
    ]  # fmt: skip


def _pipelined(campaign: CampaignSnapshot, count: int) -> float:
    """Seconds per decision."""
    parts = [bench_users.make_users(count // CLIENTS) for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as clients:
        before = time.perf_counter()
        list(clients.map(lambda users: redis_pipeline.fill_queue(campaign, users), parts))
        return (time.perf_counter() - before) / count


def _redis_benchmark(campaign: CampaignSnapshot, count: int) -> float:
    """Seconds per decision by the same script, asked by a program in C that reads no answer.

    It makes users up from random numbers. The numbers may come
    again in its next run (it seeds them with its start and its pid), what stands before them not.
    """
    before = store().gate(campaign.slug).admitted
    said = subprocess.run(_command(campaign, count), capture_output=True, text=True, check=True)
    admitted = store().gate(campaign.slug).admitted - before
    if admitted < 0.99 * count:
        raise RuntimeError(f"Of {count} claims of redis-benchmark {admitted} were admitted.")
    return 1 / parse_rate(said.stdout)


def _command(campaign: CampaignSnapshot, count: int) -> list[str]:
    return [
        "redis-benchmark", "-h", "127.0.0.1", "-p", str(urlsplit(settings.REDIS_URL).port),
        "-n", str(count), "-c", str(_CONNECTIONS), "-P", str(PIPELINE),
        "-r", str(10**9), "--csv", *_claims_of_anybody(campaign),
    ]  # fmt: skip


def _claims_of_anybody(campaign: CampaignSnapshot) -> list[str]:
    """One claim's command, with what depends on the user made random."""
    somebody, anybody = bench_users.make_users(1)[0], secrets.token_hex(6) + "__rand_int__" * 2
    theirs = (somebody.encode(), claimant_field.encode_field(somebody, 1, campaign.per_user))
    return [
        anybody if word in theirs else str(word)
        for word in redis_pipeline.admit_command(campaign, somebody)
    ]


def parse_rate(said: str) -> float:
    """Requests per second in the last line of redis-benchmark's CSV."""
    fields = next(csv.reader([said.strip().splitlines()[-1]]))
    return float(fields[1])
