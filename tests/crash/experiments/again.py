"""One user's claim, a million times: always the first answer, one place, one coupon."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from coupons.admission import strategies
from coupons.campaigns import snapshot
from coupons.claims.values import Claim
from coupons.errors import StoreAway
from coupons.store import store
from tests.crash import reading
from tests.crash.opening import open_campaign
from tests.crash.stage import Stage

_THREADS, _STOCK = 64, 10
_PART = 10_000  # calls submitted at a time


def play_rounds(stage: Stage, thousands: int) -> dict[str, Any]:
    row, times = open_campaign("again", _STOCK), thousands * 1000
    campaign = snapshot.snapshot_of(row)
    began = time.monotonic()

    def ask(_: int) -> tuple[int, int]:
        while True:
            with suppress(StoreAway):  # repeated, as users do
                decision = strategies.admit(campaign, Claim("mina"))
                return decision.place, decision.at_ms

    answers: set[tuple[int, int]] = set()
    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in range(0, times, _PART):
            answers.update(pool.map(ask, range(_PART)))
    asked_s = time.monotonic() - began
    reading.await_settled(stage, "again", patience_s=60)
    found = reading.read_findings(stage, "again", row.pk, stock=_STOCK, sampled=[])
    figures = {"answers": len(answers), "admitted": store().campaigns.gate("again").admitted,
               "stored": len(found.rows)}  # fmt: skip
    return {"asked": times, "asked_per_s": round(times / asked_s), **figures,
            "broken": sum(count != 1 for count in figures.values())}  # fmt: skip
