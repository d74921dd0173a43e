"""What a shop's checkout waits for at 200 requests a second: quotes, then redemptions, over HTTP.

Requests are sent at fixed moments, whatever the earlier ones do, so a stall is seen by all that
come while it lasts.
"""

import asyncio
import time
from pathlib import Path
from statistics import quantiles
from typing import Any

import aiohttp
from django.db import connections

from coupons.models import Coupon
from tests.bench import bench_shops, product_processes
from tests.bench.bench_shops import Shop
from tests.bench.figures import Figure
from tests.bench.sample_sizes import Size

PER_S = 200
WARM_UP_S = 1


def measure_checkout(folder: Path, size: Size) -> list[Figure]:
    count = PER_S * (size.checkout_s + WARM_UP_S)
    shop = bench_shops.open_shop("checkout", coupons=count)
    codes = list(Coupon.objects.filter(campaign_id=shop.campaign.id).values_list("code", flat=True))
    connections.close_all()
    with product_processes.run_web(folder) as web:
        quotes = asyncio.run(_send(web.url, shop, "quotes", codes, 200))
        redemptions = asyncio.run(_send(web.url, shop, "redemptions", codes, 201))
    return [_figure("redeem_ms", redemptions), _figure("quote_ms", quotes)]


def _figure(name: str, waits_ms: list[float]) -> Figure:
    percentiles = quantiles(waits_ms, n=100)
    details = {"p50_ms": percentiles[49], "max_ms": max(waits_ms), "requests": len(waits_ms)}
    return Figure(name, percentiles[98], details)


async def _send(url: str, shop: Shop, path: str, codes: list[str], expected: int) -> list[float]:
    """The milliseconds from each planned moment to its answer, without the warm-up's."""
    headers = {"Authorization": f"Api-Key {shop.key}"}
    connector = aiohttp.TCPConnector(limit=64)
    async with aiohttp.ClientSession(url, headers=headers, connector=connector) as session:
        begin = time.perf_counter() + 0.1
        waits = await asyncio.gather(
            *(
                _send_at(begin + number / PER_S, session, path, code, expected)
                for number, code in enumerate(codes)
            )
        )
    return waits[PER_S * WARM_UP_S :]


async def _send_at(
    moment: float, session: aiohttp.ClientSession, path: str, code: str, expected: int
) -> float:
    await asyncio.sleep(moment - time.perf_counter())
    body: dict[str, Any] = bench_shops.order_of(code)
    async with session.post(f"/api/v1/merchant/{path}", json=body) as answer:
        text = await answer.text()
        if answer.status != expected:
            raise RuntimeError(f"{path} answered {answer.status}: {text}")
    return (time.perf_counter() - moment) * 1000
