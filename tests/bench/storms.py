"""What people who come too early or too late take from those who are in time.

An open load: claims of IN_TIME_PER_S new users a second, and beside them nine times as many from
users of another campaign that is not open yet, or sold out. The p99 of those in time is divided by
that of the same claims without the crowd. Then one campaign's own opening: its crowd asks before
it, those who are in time take the whole stock, and the others are too late.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

from django.db import connections

from coupons.admission import strategies
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.store import keys, store
from tests.bench import bench_campaigns, bench_users, product_processes
from tests.bench.figures import Figure
from tests.bench.paired_rounds import with_progress
from tests.bench.sample_sizes import Size
from tests.crash.http_crowd import Answer, Orders, orders_as_json

IN_TIME_PER_S = 150
TIMES = 9  # as many too early or too late: 90 % of the crowd
_ACCEPTED, _CONFLICT = int(HTTPStatus.ACCEPTED), int(HTTPStatus.CONFLICT)


_AHEAD_S = 0.4  # the crowd comes before those in time, and stays longer


class Block(NamedTuple):
    """Those in time: their answers' milliseconds, and how many there were in a second."""

    waits_ms: list[float]
    per_s: float


def measure_storms(folder: Path, size: Size) -> list[Figure]:
    blocks: dict[str, list[Block]] = {
        name: [] for name in ("alone", "early", "late", "burst", "opening")
    }
    with product_processes.run_web(folder) as web:
        port = int(web.url.rpartition(":")[2])
        crowds = {
            "alone": None,
            "early": bench_campaigns.open_campaign("early", stock=1000, opens_in=_AN_HOUR),
            "late": _sold_out_campaign(),
        }
        for number in with_progress("storms", size.wrk_rounds + 1):
            for name, crowd in crowds.items():
                block = _beside(port, size.wrk_s, crowd)
                if number:  # the first round warms up
                    blocks[name].append(block)
            pair = _burst(port, size.wrk_s), _opening(port, size.wrk_s)
            if number:
                blocks["burst"].append(pair[0])
                blocks["opening"].append(pair[1])
    return [
        _figure("claims_beside_early", blocks["early"], blocks["alone"]),
        _figure("claims_beside_late", blocks["late"], blocks["alone"]),
        _figure("opening_in_a_storm", blocks["opening"], blocks["burst"]),
    ]


_AN_HOUR = timedelta(hours=1)


def _sold_out_campaign() -> CampaignSnapshot:
    campaign = bench_campaigns.open_campaign("late", stock=1)
    strategies.admit(campaign, Claim("first"))
    return campaign


def _figure(name: str, beside: Sequence[Block], alone: Sequence[Block]) -> Figure:
    ours, theirs = _p99(beside), _p99(alone)
    details = {
        "p99_ms": ours,
        "p99_alone_ms": theirs,
        "claims_per_s": sum(block.per_s for block in beside) / len(beside),
        "claims_per_s_alone": sum(block.per_s for block in alone) / len(alone),
        "claims": sum(len(block.waits_ms) for block in beside),
    }
    return Figure(name, ours / theirs, details)


def _p99(blocks: Sequence[Block]) -> float:
    return quantiles([wait for block in blocks for wait in block.waits_ms], n=100)[98]


def _beside(port: int, seconds: int, crowd: CampaignSnapshot | None) -> Block:
    """One block of claims, beside this campaign's crowd."""
    connections.close_all()
    in_time = IN_TIME_PER_S * seconds
    campaign = bench_campaigns.open_campaign("storm", stock=in_time)
    shares = [_orders(port, campaign, in_time, IN_TIME_PER_S)]
    if crowd is not None:
        many, rate = TIMES * IN_TIME_PER_S * (seconds + 1), TIMES * IN_TIME_PER_S
        shares.insert(0, _orders(port, crowd, many, rate))
    with ThreadPoolExecutor() as pool:
        running = []
        for share in shares:
            running.append(pool.submit(_play, share))
            time.sleep(_AHEAD_S)
        *others, claims = [one.result() for one in running]
    for answers in others:
        _demand_status(answers, _CONFLICT)
    _demand_status(claims, _ACCEPTED)
    return _block(claims)


def _burst(port: int, seconds: int) -> Block:
    """As many claims at the rate of a whole crowd, and nothing before or after them."""
    connections.close_all()
    in_time = IN_TIME_PER_S * seconds
    campaign = bench_campaigns.open_campaign("burst", stock=in_time)
    claims = _play(_orders(port, campaign, in_time, (TIMES + 1) * IN_TIME_PER_S))
    _demand_status(claims, _ACCEPTED)
    return _block(claims)


def _opening(port: int, seconds: int) -> Block:
    """A campaign's crowd, of whom those in time are a tenth: it opens in the middle."""
    connections.close_all()
    in_time, rate = IN_TIME_PER_S * seconds, (TIMES + 1) * IN_TIME_PER_S
    campaign = bench_campaigns.open_campaign("opening", stock=in_time, opens_in=_AN_HOUR)
    opens_ms = store().server.now_ms() + 500 * seconds
    store().client.hset(keys.campaign_keys(campaign.slug).gate, "opens", opens_ms)
    answers = _play(_orders(port, campaign, (TIMES + 1) * in_time, rate))
    claims = [one for one in answers if one[4] == _ACCEPTED]
    if len(claims) != in_time or any(one[4] not in (_ACCEPTED, _CONFLICT) for one in answers):
        raise RuntimeError(f"Admitted: {len(claims)}, not {in_time}.")
    return _block(claims)


def _block(claims: Sequence[Answer]) -> Block:
    """The wait counts from the moment when the request was due."""
    lasted_s = max(one[3] for one in claims) - min(one[1] for one in claims)
    return Block([1000 * (ended - due) for _, due, _, ended, *_ in claims], len(claims) / lasted_s)


def _orders(port: int, campaign: CampaignSnapshot, people: int, per_s: float) -> Orders:
    users = [(token, token, 1) for token in bench_users.make_tokens(people)]
    path = bench_campaigns.claims_path(campaign)
    return Orders((port,), path, users, per_s=per_s, until_decided=False, bodies=False)


def _play(orders: Orders) -> list[Answer]:
    command = [sys.executable, "-m", "tests.crash.http_crowd"]
    done = subprocess.run(
        command, input=orders_as_json(orders), capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()[1:]]


def _demand_status(answers: Sequence[Answer], expected: int) -> None:
    wrong = [one[4] for one in answers if one[4] != expected]
    if wrong:
        raise RuntimeError(f"An answer was {wrong[0]}, not {expected}.")
