"""Redemptions per second, by `lifecycle.redeem_coupon` ÷ the same statements in a bare loop on the
same server; in the details also as requests of a shop, through the whole WSGI application."""

import io
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import MySQLdb
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.wsgi import application
from coupons.audit.actors import Actor
from coupons.models import ActorKind, Coupon, CouponLife
from coupons.redemption import lifecycle
from coupons.redemption.lifecycle import Cart
from tests.bench import bench_shops
from tests.bench.bench_shops import Shop
from tests.bench.figures import Figure
from tests.bench.paired_rounds import Block, Pairs, interleave_blocks, with_progress
from tests.bench.sample_sizes import Size

PATH = "/api/v1/merchant/redemptions"


def measure_redeem_ratio(_: Path, size: Size) -> list[Figure]:
    """Both sides commit each redemption by itself, and the server syncs at every commit."""
    rounds, block = size.redeem_rounds, size.redeem_block
    shop = bench_shops.open_shop("redeemed", coupons=(3 * rounds + 2) * block + 2)
    coupons = iter(Coupon.objects.filter(campaign_id=shop.campaign.id).order_by("pk"))
    template = _template(shop, next(coupons), next(coupons))
    cpu = Pairs()
    pairs = interleave_blocks(
        "redeem_ratio",
        _redeeming(shop, coupons, block, cpu.ours),
        _repeating(template, coupons, block, cpu.theirs),
        rounds=rounds,
    )
    asked_cpu: list[float] = []
    asking = _asking(shop, coupons, block, asked_cpu)
    asked = [asking() for _ in with_progress("… as requests", rounds)]
    if CouponLife.objects.filter(state="redeemed").count() < 2 * size.redeem_block:
        raise RuntimeError("One side has not redeemed.")
    us = 1e6 / block
    return [
        Figure(
            "redeem_ratio", pairs.median_speed,
            {
                "total_ratio": pairs.total_speed,
                "redemptions_per_s": rounds * block / sum(pairs.ours),
                "requests_per_s": rounds * block / sum(asked),
                "bare_per_s": rounds * block / sum(pairs.theirs),
                "statements": len(template.statements),
                "us_cpu_per_redemption": us * sum(cpu.ours) / len(cpu.ours),
                "us_cpu_per_request": us * sum(asked_cpu) / rounds,
                "us_cpu_of_the_bare_loop": us * sum(cpu.theirs) / len(cpu.theirs),
            },
            {"redeem_s": pairs.ours, "request_s": asked, "bare_s": pairs.theirs},
        )
    ]  # fmt: skip


class Template:
    """The statements of one redemption, without BEGIN and COMMIT, to be repeated for others."""

    def __init__(self, statements: list[str], coupon: Coupon) -> None:
        self.statements, self.coupon = statements, coupon
        self.message = _uuid_after("coupons_outboxmessage", statements)
        self.redemption = str(CouponLife.objects.get(pk=coupon.pk).redemption)

    def statements_for(self, coupon: Coupon) -> list[str]:
        exchanged = {
            self.coupon.code: coupon.code,
            str(self.coupon.pk): str(coupon.pk),
            self.coupon.user: coupon.user,
            self.message: str(uuid4()),
            self.redemption: str(uuid4()),
        }
        return [_exchange(statement, exchanged) for statement in self.statements]


def _exchange(text: str, exchanged: dict[str, str]) -> str:
    for old, new in exchanged.items():
        text = text.replace(old, new)
    return text


def _uuid_after(table: str, statements: list[str]) -> str:
    (insert,) = [text for text in statements if text.startswith(f"INSERT INTO `{table}`")]
    return str(UUID(insert.partition("VALUES ('")[2][:36]))


def _template(shop: Shop, first: Coupon, second: Coupon) -> Template:
    _redeem([_environ(shop, first)])  # caches are filled
    with CaptureQueriesContext(connection) as captured:
        _redeem([_environ(shop, second)])
    statements = [query["sql"] for query in captured]
    return Template([text for text in statements if text not in ("BEGIN", "COMMIT")], second)


def _redeeming(shop: Shop, coupons: Iterator[Coupon], count: int, cpu: list[float]) -> Block:
    actor = Actor(ActorKind.KEY, "bench")

    def run_block() -> float:
        codes = [coupon.code for coupon in islice(coupons, count)]
        carts = [Cart(f"o-{code}", Decimal(20_000), "KRW") for code in codes]
        return _seconds(lambda: redeem_all(codes, carts), cpu)

    def redeem_all(codes: list[str], carts: list[Cart]) -> None:
        for code, cart in zip(codes, carts, strict=True):
            lifecycle.redeem_coupon(code, cart, merchant_id=shop.merchant.pk, actor=actor)

    return run_block


def _asking(shop: Shop, coupons: Iterator[Coupon], count: int, cpu: list[float]) -> Block:
    def run_block() -> float:
        environs = [_environ(shop, coupon) for coupon in islice(coupons, count)]
        return _seconds(lambda: _redeem(environs), cpu)

    return run_block


def _repeating(
    template: Template, coupons: Iterator[Coupon], count: int, cpu: list[float]
) -> Block:
    bare = bench_shops.bare_connection()

    def run_block() -> float:
        made = [template.statements_for(coupon) for coupon in islice(coupons, count)]
        return _seconds(lambda: _repeat(bare, made), cpu)

    return run_block


def _redeem(environs: list[dict[str, Any]]) -> None:
    statuses: list[str] = []
    for environ in environs:
        response: Any = application(environ, lambda status, *_: statuses.append(status))
        b"".join(response)
        response.close()
    if set(statuses) != {"201 Created"}:
        raise RuntimeError(f"Redemptions were answered {set(statuses)}.")


def _repeat(bare: MySQLdb.Connection, redemptions: list[list[str]]) -> None:
    cursor = bare.cursor()
    for statements in redemptions:
        bare.begin()
        for statement in statements:
            cursor.execute(statement)
            cursor.fetchall()
        bare.commit()


def _environ(shop: Shop, coupon: Coupon) -> dict[str, Any]:
    body = json.dumps(bench_shops.order_of(coupon.code)).encode()
    return {
        "REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": PATH, "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_AUTHORIZATION": f"Api-Key {shop.key}",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(), "wsgi.multithread": True, "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }  # fmt: skip


def _seconds(work: Any, cpu: list[float]) -> float:
    before, cpu_before = time.perf_counter(), time.process_time()
    work()
    spent = time.perf_counter() - before
    cpu.append(time.process_time() - cpu_before)
    return spent
