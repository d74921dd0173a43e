"""Seconds in which the sweep records the expiry of a million coupons, while users claim."""

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles

from django.db import connection

from coupons.admission import strategies
from coupons.campaigns import lookup
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.limits import slot_id
from coupons.claims.values import Claim
from coupons.models import Campaign, Coupon, CouponLife
from coupons.redemption import expiry
from tests.bench import bench_campaigns, bench_shops, bench_users
from tests.bench.figures import Figure
from tests.bench.sample_sizes import Size

MILLION = 1_000_000
CLAIMS_BEFORE = 500
CLAIM_EVERY_S = 0.01


def measure_expiry(_: Path, size: Size) -> list[Figure]:
    """Claims go on in a thread of the same process, one each hundredth of a second."""
    campaign = bench_shops.open_campaign(None, stock=size.expired)
    store_coupons(campaign, size.expired)
    open_now = bench_campaigns.open_campaign("claimed", stock=MILLION)
    before = [_claim_ms(open_now) for _ in range(CLAIMS_BEFORE)]
    beside, stop = [], threading.Event()

    def claim() -> None:
        while not stop.is_set():
            beside.append(_claim_ms(open_now))

    claiming = threading.Thread(target=claim)
    Campaign.objects.filter(pk=campaign.id).update(
        opens_at=datetime.now(UTC) - timedelta(days=90), valid_days=30
    )
    claiming.start()
    began = time.perf_counter()
    try:
        recorded = expiry.expire_campaigns()
        spent = time.perf_counter() - began
    finally:
        stop.set()
        claiming.join()
    if recorded != size.expired or CouponLife.objects.filter(state="expired").count() < recorded:
        raise RuntimeError(f"Of {size.expired} coupons {recorded} were recorded.")
    return [
        Figure(
            "expire_million_s", spent * MILLION / size.expired,
            {
                "coupons": size.expired,
                "claim_p99_ms": quantiles(beside, n=100)[98],
                "claim_p99_before_ms": quantiles(before, n=100)[98],
            },
        )
    ]  # fmt: skip


def store_coupons(campaign: CampaignSnapshot, count: int) -> None:
    """Rows of coupons that ended yesterday, by the server itself."""
    past = connection.ops.adapt_datetimefield_value(datetime.now(UTC) - timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Coupon._meta.db_table} (slot_id, campaign_id, place, user, nth, code,"
            " admitted_at, stored_at, expires_at)"
            " SELECT %s + seq, %s, seq, CONCAT('u', seq), 1, CONCAT('X', seq), %s, %s, %s"
            f" FROM seq_1_to_{count}",
            [slot_id(campaign.id, 0), campaign.id, past, past, past],
        )


def _claim_ms(campaign: CampaignSnapshot) -> float:
    time.sleep(CLAIM_EVERY_S)
    began = time.perf_counter()
    strategies.admit(lookup.find_snapshot(campaign.slug), Claim(bench_users.make_users(1)[0]))
    return (time.perf_counter() - began) * 1000
