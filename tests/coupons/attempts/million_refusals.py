"""`python -m tests.coupons.attempts.million_refusals`: what the notes of refusals cost, measured.

On servers of its own: `python -m tests.servers python -m tests.coupons.attempts.million_refusals`.
Prints two lines of JSON: CPU of an admitted claim and of a refusal with notes ÷ without, in
alternating blocks, the thread's work included; then, with a million users' refusals kept: Redis'
memory, time of `note.lua` for an entry, a look-up during the sale; seconds to move them to MySQL, a
look-up after it, and what Redis keeps then. About two minutes.
"""

import json
import os
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from config.wsgi import application  # noqa: E402
from coupons.attempts import moving  # noqa: E402
from coupons.attempts.attempts_of_user import find_attempts  # noqa: E402
from coupons.campaigns import lifecycle  # noqa: E402
from coupons.campaigns.snapshot import CampaignSnapshot  # noqa: E402
from coupons.claims import packed_refusals  # noqa: E402
from coupons.claims.packed_refusals import Refusal  # noqa: E402
from coupons.models import Campaign  # noqa: E402
from coupons.observability import refusal_notes  # noqa: E402
from coupons.runtime import runtime  # noqa: E402
from coupons.store import store  # noqa: E402
from coupons.store.refusals import ENTRIES_A_CALL, Entry  # noqa: E402
from tests.bench import bench_campaigns, claim_cpu  # noqa: E402
from tests.bench.paired_rounds import Block, interleave_blocks  # noqa: E402
from tests.bench.sample_sizes import FULL  # noqa: E402

MILLION = 1_000_000
ASKED = 300  # users
SIZE = replace(FULL, cpu_rounds=40, cpu_block=500)  # in half a second: a busy process
MB = 1_000_000


def without_notes(block: Block) -> Block:
    def run_block() -> float:
        note = refusal_notes.note_refusal
        refusal_notes.note_refusal = lambda *_, **__: None
        try:
            return block()
        finally:
            refusal_notes.note_refusal = note

    return run_block


def with_notes(block: Block) -> Block:
    """With the thread's share: it is done here, so that it falls into this block."""

    def run_block() -> float:
        cost, before = block(), time.process_time()
        refusal_notes.hand_on_notes()
        return cost + (time.process_time() - before) / SIZE.cpu_block

    return run_block


def measure_claims() -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name, stock, status in (
        ("admitted", 3 * claim_cpu.request_count(SIZE), HTTPStatus.ACCEPTED),
        ("refused", 1, HTTPStatus.CONFLICT),
    ):
        campaign = bench_campaigns.open_campaign(name, stock=stock)
        path = bench_campaigns.claims_path(campaign)
        if stock == 1:
            one = replace(SIZE, cpu_block=1)
            claim_cpu.request_blocks(application, path, HTTPStatus.ACCEPTED, one)()
        ours, theirs = (
            side(claim_cpu.request_blocks(application, path, status, SIZE))
            for side in (with_notes, without_notes)
        )
        pairs = interleave_blocks(name, ours, theirs, rounds=SIZE.cpu_rounds)
        ratios = [a / b for a, b in zip(pairs.ours, pairs.theirs, strict=True)]
        low, _, high = statistics.quantiles(ratios)
        figures |= {
            f"{name}_ratio": round(pairs.median_cost, 4),
            f"{name}_quartiles": (round(low, 3), round(high, 3)),
            f"{name}_us_more": round(
                1e6 * (statistics.median(pairs.ours) - statistics.median(pairs.theirs)), 2
            ),
            f"{name}_us": round(1e6 * statistics.median(pairs.theirs), 1),
        }
    return figures


def note_million(campaign: CampaignSnapshot) -> None:
    """A refusal of each of a million users, as the thread of a process writes them."""
    now_ms, entries = store().server.now_ms(), []
    for number in range(MILLION):
        bucket, digest = packed_refusals.user_digest(campaign.key.refusals, f"user-{number}")
        at_ms = now_ms + number // 100
        request = f"9f86d08188-{number:x}"
        refusal = Refusal("sold_out", at_ms, at_ms, 1, 1, None, None, 5, 5, request)
        key = packed_refusals.entry_key(digest, "sold_out")
        entries.append(Entry(bucket, key, packed_refusals.pack_refusal(refusal)))
        if len(entries) == ENTRIES_A_CALL:
            store().refusals.note_refusals(
                campaign.slug, entries, made=len(entries), left_out=0, lost=0, now_ms=now_ms
            )
            entries.clear()


def used_memory() -> int:
    return int(str(store().server.read_info()["used_memory"]))


def script_seconds() -> float:
    stats: Any = store().client.info("commandstats")
    names = ("cmdstat_evalsha", "cmdstat_eval")
    return float(sum(stats.get(name, {"usec": 0})["usec"] for name in names)) / 1e6


def time_lookups(campaign: Campaign) -> tuple[float, int]:
    """The longest of ASKED, in ms, and how many had an answer."""
    dice, longest, answered = random.Random(1), 0.0, 0
    for _ in range(ASKED):
        began = time.perf_counter()
        found = find_attempts(campaign, f"user-{dice.randrange(MILLION)}")
        longest = max(longest, time.perf_counter() - began)
        answered += bool(found["refusals"])
    return round(1000 * longest, 1), answered


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def measure_million() -> dict[str, Any]:
    campaign = bench_campaigns.open_campaign("million", stock=100)
    before, scripts = used_memory(), script_seconds()
    note_million(campaign)
    connections.close_all()  # the server has ended what was silent for a minute
    figures: dict[str, Any] = {
        "refusals": MILLION,
        "memory_mb": round((used_memory() - before) / MB, 1),
        "redis_us_an_entry": round(1e6 * (script_seconds() - scripts) / MILLION, 2),
    }
    row = Campaign.objects.get(pk=campaign.id)
    longest, answered = time_lookups(row)
    kept = store().refusals.read_note_counts([row.slug])[row.slug].kept
    figures |= {"kept": kept, "lookup_ms_in_sale": longest, "found_in_sale": answered}
    lifecycle.close_campaign(row.slug, actor="bench")
    row.refresh_from_db()
    figures["move_s"] = round(timed(lambda: moving.move_refusals(until=lambda: False)), 1)
    longest, answered = time_lookups(row)
    return figures | {
        "lookup_ms_after": longest,
        "found_after": answered,
        "of": ASKED,
        "memory_mb_after": round((used_memory() - before) / MB, 1),
    }


def main() -> None:
    runtime.start_fresh()
    call_command("migrate", verbosity=0)
    for measure in (measure_claims, measure_million):
        print(json.dumps(measure()), flush=True)


if __name__ == "__main__":
    main()
