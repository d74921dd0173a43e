"""What claims lose to the other work of the site: redemptions of a shop, the sweep of expiry, a
dress rehearsal.

In production claims have hosts and a Redis of their own; redemptions and the sweep use MySQL and
other processes. So what claims need runs on one core here (web, Redis, wrk), and everything else
on the other: what is measured is what the two share (the code's locks, Redis, the disk), not that
a small machine has few cores.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import quantiles

import aiohttp
import psutil
from django.db import connections

from config.development.process.programs import Program
from config.env import BASE_DIR
from coupons.models import Campaign, Coupon, CouponLife, Rehearsal
from coupons.readiness.crowd_size import MOST_PEOPLE
from coupons.rehearsal import start
from tests.bench import (
    bench_campaigns,
    bench_shops,
    bench_users,
    expiry_rate,
    http_rate,
    product_processes,
)
from tests.bench.figures import Figure
from tests.bench.paired_rounds import interleave_blocks, with_progress
from tests.bench.sample_sizes import Size
from tests.bench.steady_checkout import PER_S
from tests.harness.servers import start_program

CLAIMS_CORE, OTHER_CORE = {0}, {1}
CLAIMS_PER_S = 200
_MANAGE = str(BASE_DIR / "manage.py")


@contextmanager
def own_core(*pids: int) -> Iterator[None]:
    """Claims' processes on one core: Redis, wrk (it inherits ours) and these; MariaDB on the
    other."""
    if (os.cpu_count() or 1) < 2:
        raise RuntimeError("This needs two cores.")
    before = os.sched_getaffinity(0)
    for child in psutil.Process().children(recursive=True):
        pin_process(child.pid, OTHER_CORE if "maria" in child.name() else CLAIMS_CORE)
    for pid in pids:
        for process in product_processes.process_tree(pid):
            pin_process(process.pid, CLAIMS_CORE)
    os.sched_setaffinity(0, CLAIMS_CORE)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def pin_process(pid: int, cores: set[int]) -> None:
    """With all its threads."""
    for thread in psutil.Process(pid).threads():
        os.sched_setaffinity(thread.id, cores)


def measure_beside_redemptions(folder: Path, size: Size) -> list[Figure]:
    """Claims per second beside PER_S redemptions a second ÷ without them."""
    os.environ["SHED_AFTER_S"] = "0"  # 64 connections on one core wait; none is refused for it
    codes = _Codes(folder, blocks=size.beside_rounds + 1, seconds=size.wrk_s + 2)
    (folder / "shops").mkdir()
    with (
        product_processes.run_web(folder) as web,
        product_processes.run_web(folder / "shops") as shops,
    ):
        site = http_rate.prepare_site(web.url, folder, seconds=size.wrk_s)
        with own_core(web.pid):
            for process in product_processes.process_tree(shops.pid):
                pin_process(process.pid, OTHER_CORE)

            def beside() -> float:
                with codes.redeeming(shops.url):
                    return 1 / http_rate.measure_claims(site).per_second

            pairs = interleave_blocks(
                "opening_beside_redemptions", beside,
                lambda: 1 / http_rate.measure_claims(site).per_second, rounds=size.beside_rounds,
            )  # fmt: skip
    return [
        Figure(
            "opening_beside_redemptions", pairs.median_speed,
            {"total_ratio": pairs.total_speed, "redemptions_per_s": PER_S},
            {"beside_s": pairs.ours, "alone_s": pairs.theirs},
        )
    ]  # fmt: skip


class _Codes:
    """Coupons of a shop, a file of codes for each block."""

    def __init__(self, folder: Path, *, blocks: int, seconds: int) -> None:
        self._a_block = PER_S * seconds
        self._folder, self._number = folder, 0
        self._shop = bench_shops.open_shop("beside", coupons=blocks * self._a_block)
        rows = Coupon.objects.filter(campaign_id=self._shop.campaign.id)
        self._codes = list(rows.values_list("code", flat=True))

    @contextmanager
    def redeeming(self, url: str) -> Iterator[None]:
        """A shop redeems while the block runs; it has begun when the block begins."""
        first = self._number * self._a_block
        self._number += 1
        file = self._folder / "codes"
        file.write_text("\n".join(self._codes[first : first + self._a_block]))
        command = [sys.executable, "-m", "tests.bench.steady_checkout", url, self._shop.key]
        before = self._redeemed()
        with start_program([*command, str(file)], log=self._folder / "shop.log") as program:
            pin_process(program.pid, OTHER_CORE)
            _wait_for(program, lambda: self._redeemed() > before)
            yield
            _demand_running(program)
            if self._redeemed() < before + PER_S:
                raise RuntimeError("The shop redeemed less than a second's coupons in a block.")

    def _redeemed(self) -> int:
        connections.close_all()
        return int(CouponLife.objects.filter(state="redeemed").count())


def _demand_running(program: Program) -> None:
    if program.status not in (None, 0):
        raise RuntimeError(f"The shop ended: {program.tail()}")


def _wait_for(program: Program, holds: Callable[[], bool]) -> None:
    program.wait_until(holds, patience_s=30)


def measure_beside_sweep(folder: Path, size: Size) -> list[Figure]:
    """p99 of claims at CLAIMS_PER_S while `expire_coupons` records expiries ÷ p99 before."""
    before: list[float] = []
    beside: list[float] = []
    with product_processes.run_web(folder) as web, own_core(web.pid):
        campaign = bench_campaigns.open_campaign("swept", stock=1_000_000)
        claims = web.url + bench_campaigns.claims_path(campaign)
        asyncio.run(_claim_steadily(claims, _after(1.0)))  # warm-up
        for _ in with_progress("claims_beside_sweep", size.sweep_rounds):
            before += asyncio.run(_claim_steadily(claims, _after(size.wrk_s)))
            beside += _claim_beside_sweep(claims, folder, size.swept)
    first, other = quantiles(before, n=100)[98], quantiles(beside, n=100)[98]
    details = {"p99_before_ms": first, "p99_beside_ms": other, "claims_beside": len(beside)}
    return [Figure("claims_beside_sweep", other / first, details)]


def _claim_beside_sweep(claims: str, folder: Path, coupons: int) -> list[float]:
    campaign = bench_shops.open_campaign(None, stock=coupons)
    expiry_rate.store_coupons(campaign, coupons)
    past = datetime.now(UTC) - timedelta(days=90)
    Campaign.objects.filter(pk=campaign.id).update(opens_at=past, valid_days=30)
    swept = CouponLife.objects.filter(state="expired")
    start = swept.count()
    command = [sys.executable, _MANAGE, "expire_coupons"]
    with start_program(command, log=folder / "sweep.log") as sweep:
        pin_process(sweep.pid, OTHER_CORE)
        _wait_for(sweep, lambda: swept.count() > start)
        waits = asyncio.run(_claim_steadily(claims, lambda: sweep.status is not None))
    if swept.count() < start + coupons:
        raise RuntimeError(f"The sweep left coupons: {sweep.tail()}")
    return waits


def measure_beside_rehearsal(folder: Path, size: Size) -> list[Figure]:
    """p99 of claims at CLAIMS_PER_S beside a dress rehearsal, which yields to them ÷ p99 before."""
    before: list[float] = []
    beside: list[float] = []
    with product_processes.run_web(folder) as web, own_core(web.pid):
        campaign = bench_campaigns.open_campaign("live", stock=1_000_000)
        claims = web.url + bench_campaigns.claims_path(campaign)
        asyncio.run(_claim_steadily(claims, _after(1.0)))  # warm-up
        for _ in with_progress("claims_beside_rehearsal", size.sweep_rounds):
            before += asyncio.run(_claim_steadily(claims, _after(4 * size.wrk_s)))
            with _rehearsing(web.url, campaign.slug, folder):
                beside += asyncio.run(_claim_steadily(claims, _after(4 * size.wrk_s)))
    first, other = quantiles(before, n=100)[98], quantiles(beside, n=100)[98]
    details = {"p99_before_ms": first, "p99_beside_ms": other, "claims_beside": len(beside)}
    return [Figure("claims_beside_rehearsal", other / first, details)]


@contextmanager
def _rehearsing(url: str, slug: str, folder: Path) -> Iterator[None]:
    """A rehearsal whose crowd is asking, as fast as it may beside an opening. At the end an
    operator stops it."""
    command = [sys.executable, _MANAGE, "dress_rehearsal", slug, "--url", url, "--beside"]
    crowd = ["--people", str(MOST_PEOPLE), "--stock", "1000"]
    connections.close_all()
    running = Rehearsal.objects.filter(running=True)
    with start_program([*command, *crowd], log=folder / "rehearsal.log") as rehearsal:
        pin_process(rehearsal.pid, OTHER_CORE)
        _wait_for(rehearsal, running.filter(state=Rehearsal.State.ASKING).exists)
        pin_process(rehearsal.pid, OTHER_CORE)  # its threads of now
        yield
        if rehearsal.status is not None:
            raise RuntimeError(f"The rehearsal ended: {rehearsal.tail()}")
        start.stop_rehearsal(running.get().pk)
        rehearsal.finish(patience_s=60)


def _after(seconds: float) -> Callable[[], bool]:
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() > end


async def _claim_steadily(url: str, is_over: Callable[[], bool]) -> list[float]:
    """New users claim at fixed moments. The milliseconds from each moment to its answer."""
    connector = aiohttp.TCPConnector(limit=64)
    async with aiohttp.ClientSession(connector=connector) as session:
        begin, tasks = time.perf_counter(), []
        for number in count():
            moment = begin + number / CLAIMS_PER_S
            await asyncio.sleep(max(0.0, moment - time.perf_counter()))
            if is_over():
                break
            tasks.append(asyncio.create_task(_claim_at(moment, session, url)))
        return await asyncio.gather(*tasks)


async def _claim_at(moment: float, session: aiohttp.ClientSession, url: str) -> float:
    headers = {"Authorization": f"Bearer {next(bench_users.make_tokens(1))}"}
    async with session.post(url, headers=headers) as answer:
        await answer.read()
        if answer.status != 202:
            raise RuntimeError(f"A claim was answered {answer.status}.")
    return (time.perf_counter() - moment) * 1000
