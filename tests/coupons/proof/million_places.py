"""`python -m tests.coupons.proof.million_places`: the tree over a million places, measured.

On servers of its own: `python -m tests.servers python -m tests.coupons.proof.million_places`.
Prints a line of JSON: seconds to build the tree from the rows and to check it again, a request's
path, bytes of its hashes as they are sent, time to verify it. About two minutes.
"""

import json
import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from coupons.campaigns import snapshot  # noqa: E402
from coupons.claims.limits import slot_id  # noqa: E402
from coupons.models import Campaign, Coupon, Slot, Tally  # noqa: E402
from coupons.proof import build, check, closed_campaign, inclusion, leaves, merkle  # noqa: E402
from coupons.proof.build import base64_of  # noqa: E402
from coupons.runtime import runtime  # noqa: E402

MILLION = 1_000_000
ASKED = 300  # places
TOGETHER = 20_000  # rows a statement


def seconds_of(call: Callable[[], object]) -> tuple[float, float]:
    """Of the clock on the wall, and of this process on a core: others may share the machine."""
    began, own = time.perf_counter(), time.process_time()
    call()
    return round(time.perf_counter() - began, 2), round(time.process_time() - own, 2)


def closed_campaign_of(places: int, strategy: str = "direct") -> Campaign:
    """A closed campaign with a coupon on every place; rows by the server itself."""
    past = datetime.now(UTC) - timedelta(hours=1)
    campaign = Campaign.objects.create(
        slug="million", name="Million", strategy=strategy, state="closed", stock=places,
        opens_at=past - timedelta(hours=1), closes_at=past, valid_days=30, discount_value=10,
        key_id=next(iter(settings.COUPON_KEYS)), epoch="1",
    )  # fmt: skip
    Tally.objects.create(campaign=campaign, stored=places, highest=places)
    at = connection.ops.adapt_datetimefield_value(past)
    first = slot_id(campaign.pk, 0)
    with connection.cursor() as cursor:
        for begin in range(1, places, TOGETHER):  # a statement has a time limit
            numbers = f"seq_{begin}_to_{begin + TOGETHER - 1}"
            cursor.execute(
                f"INSERT INTO {Slot._meta.db_table} (id) SELECT %s + seq FROM {numbers}", [first]
            )
            cursor.execute(
                f"INSERT INTO {Coupon._meta.db_table} (slot_id, campaign_id, place, user, nth,"
                " code, admitted_at, stored_at, expires_at)"
                " SELECT %s + seq, %s, seq, CONCAT('user-', seq), 1, LPAD(seq, 16, '0'),"
                f" DATE_ADD(%s, INTERVAL seq DIV 10 * 1000 MICROSECOND), %s, %s FROM {numbers}",
                [first, campaign.pk, at, at, at],
            )
    return campaign


def measure(campaign: Campaign) -> dict[str, float]:
    built, built_cpu = seconds_of(lambda: build.prove_campaign(campaign, actor="bench"))
    campaign.refresh_from_db()
    checked, _ = seconds_of(lambda: check.check_proof(campaign, campaign.proof, actor="bench"))
    known, asking, verifying, sizes = snapshot.snapshot_of(campaign), [], [], []
    most = 0
    for place in range(1, MILLION + 1, MILLION // ASKED):
        began = time.perf_counter()
        found = inclusion.find_inclusion(known, place)
        asking.append(time.perf_counter() - began)
        most = max(most, len(found.path))
        sizes.append(len(json.dumps([base64_of(node) for node in found.path])))
        [receipt] = closed_campaign.read_receipts(known, place, place)
        began = time.perf_counter()
        leaf = leaves.leaf_hash(place, receipt)
        root = merkle.root_from_path(leaf, place - 1, found.size, found.path)
        verifying.append(time.perf_counter() - began)
        if root != found.root:
            raise RuntimeError(f"place {place} is not under the root")
    return {
        "places": MILLION,
        "build_s": built,
        "build_cpu_s": built_cpu,
        "check_s": checked,
        "path_ms": round(1000 * statistics.median(asking), 2),
        "path_p99_ms": round(1000 * statistics.quantiles(asking, n=100)[98], 2),
        "most_hashes": most,
        "most_bytes": max(sizes),
        "verify_us": round(1e6 * statistics.median(verifying), 1),
    }


def main() -> None:
    runtime.start_fresh()
    call_command("migrate", verbosity=0)
    print(json.dumps(measure(closed_campaign_of(MILLION))))


if __name__ == "__main__":
    main()
