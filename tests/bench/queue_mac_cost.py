"""CPU time of an admission with QUEUE_MAC=required ÷ off, through the whole WSGI application."""

from http import HTTPStatus
from pathlib import Path
from statistics import median, quantiles

from django.db import connections
from django.test import override_settings

from config.wsgi import application
from coupons.claims.values import QueueMac
from tests.bench import bench_campaigns, bench_users, claim_cpu
from tests.bench.figures import Figure
from tests.bench.paired_rounds import Block, interleave_blocks
from tests.bench.sample_sizes import Size


def measure_queue_mac(_: Path, size: Size) -> list[Figure]:
    """Each claim has a new user and is admitted; in the details the quartiles of the ratio."""
    count = claim_cpu.request_count(size)
    campaign = bench_campaigns.open_campaign("mac", stock=2 * count)
    connections.close_all()
    tokens = bench_users.make_tokens(2 * count)
    path = bench_campaigns.claims_path(campaign)
    block = claim_cpu.request_blocks(application, path, HTTPStatus.ACCEPTED, size, tokens)
    ours, theirs = (_with_mode(block, mode) for mode in (QueueMac.REQUIRED, QueueMac.OFF))
    pairs = interleave_blocks("queue_mac_ratio", ours, theirs, rounds=size.cpu_rounds)
    ratios = [a / b for a, b in zip(pairs.ours, pairs.theirs, strict=True)]
    low, _middle, high = quantiles(ratios)
    return [
        Figure(
            "queue_mac_ratio", pairs.median_cost,
            {
                "total_ratio": pairs.total_cost, "lower_quartile": low, "upper_quartile": high,
                "us_required": 1e6 * median(pairs.ours), "us_off": 1e6 * median(pairs.theirs),
            },
            {"required_s": pairs.ours, "off_s": pairs.theirs},
        )
    ]  # fmt: skip


def _with_mode(block: Block, mode: QueueMac) -> Block:
    def run_block() -> float:
        with override_settings(QUEUE_MAC=mode):
            return block()

    return run_block
