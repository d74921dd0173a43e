"""Decisions per second of `admit.lua`: pipelined, and by `redis-benchmark`."""

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

CLIENTS = 2  # one packs commands while Redis runs the other's
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
    """Seconds per decision by redis-benchmark, a C program that does not parse the replies.

    It makes user names from random numbers. The numbers may repeat in its next run (the seed is
    its start time and process id), so each run has its own prefix.
    """
    before = store().campaigns.gate(campaign.slug).admitted
    done = subprocess.run(_command(campaign, count), capture_output=True, text=True, check=True)
    admitted = store().campaigns.gate(campaign.slug).admitted - before
    if admitted < 0.99 * count:
        raise RuntimeError(f"Of {count} claims of redis-benchmark {admitted} were admitted.")
    return 1 / parse_rate(done.stdout)


def _command(campaign: CampaignSnapshot, count: int) -> list[str]:
    return [
        "redis-benchmark", "-h", "127.0.0.1", "-p", str(urlsplit(settings.REDIS_URL).port),
        "-n", str(count), "-c", str(_CONNECTIONS), "-P", str(PIPELINE),
        "-r", str(10**9), "--csv", *_random_claim(campaign),
    ]  # fmt: skip


def _random_claim(campaign: CampaignSnapshot) -> list[str]:
    """One claim's command, with a random user."""
    somebody, anybody = bench_users.make_users(1)[0], secrets.token_hex(6) + "__rand_int__" * 2
    theirs = (somebody.encode(), claimant_field.encode_field(somebody, 1, campaign.per_user))
    return [
        anybody if word in theirs else str(word)
        for word in redis_pipeline.admit_command(campaign, somebody)
    ]


def parse_rate(output: str) -> float:
    """Requests per second in the last line of redis-benchmark's CSV."""
    fields = next(csv.reader([output.strip().splitlines()[-1]]))
    return float(fields[1])
