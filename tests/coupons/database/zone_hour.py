"""What the product answers and stores on the database that it is given, printed as JSON.

A program of its own: `test_database_zone` runs it on a server of another time zone.
"""

import json
import secrets
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from coupons.campaigns import deciding_clock, lifecycle, recorded_states, snapshot  # noqa: E402
from coupons.claims import timestamps  # noqa: E402
from coupons.claims.values import AdmittedClaim  # noqa: E402
from coupons.identity import user_tokens  # noqa: E402
from coupons.issuing import writer  # noqa: E402
from coupons.models import Campaign, Coupon  # noqa: E402
from coupons.monitoring import server_checks  # noqa: E402
from coupons.readiness.database import time_zone  # noqa: E402

# Minutes from now at which a sale opens and closes.
WINDOWS = {"ahead": (30, 90), "open": (-30, 30), "over": (-90, -30), "opened": (-1, 20)}
# In UTC, as they stand in the tables: both 02:30s of the doubled hour, and 02:30 of the missing one
# as a wall clock in Berlin would have it.
STORED = [
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    datetime(2027, 3, 28, 1, 30, tzinfo=UTC),
    datetime(2027, 3, 28, 2, 30, tzinfo=UTC),
]


def main() -> None:
    now = datetime.fromisoformat(sys.argv[1])  # truly
    prefix = secrets.token_hex(4)
    print(json.dumps({
        "now": deciding_clock.deciding_now("direct").isoformat(),
        "local_ahead_s": _local_ahead_s(),
        "claims": {name: _claim(f"{prefix}-{name}", now, name) for name in WINDOWS},
        "states": _states(prefix),
        "stored": _stored(prefix),
        "checks": [each.id for each in server_checks.check_mysql_time_zone()],
        "light": time_zone().light,
    }))  # fmt: skip


def _local_ahead_s() -> float:
    """By how much the session's local time, read as a time of its zone, is ahead of the truth."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT UNIX_TIMESTAMP(CAST(SYSDATE() AS DATETIME)) - UNIX_TIMESTAMP()")
        return float(cursor.fetchone()[0])


def _claim(slug: str, now: datetime, name: str) -> dict[str, Any]:
    """The answer to a user, and the time of admission by the deciding clock."""
    opens, closes = (now + timedelta(minutes=minutes) for minutes in WINDOWS[name])
    sale = Campaign(
        slug=slug, name=slug, stock=10, discount_value=10, valid_days=30, strategy="direct",
        opens_at=opens, closes_at=now + timedelta(minutes=90),
    )  # fmt: skip
    lifecycle.save_draft(sale, actor="Mina")
    lifecycle.schedule_campaign(slug, actor="Mina")
    Campaign.objects.filter(slug=slug).update(closes_at=closes)
    user = Client(headers={"Authorization": f"Bearer {user_tokens.mint_token('mina')}"})
    answer = user.post(f"/api/v1/campaigns/{slug}/claims", content_type="application/json")
    page = user.get(f"/api/v1/campaigns/{slug}").json()
    row = Coupon.objects.filter(campaign__slug=slug).first()
    return {
        "status": answer.status_code,
        "admitted_at": answer.json().get("admitted_at"),
        "row": row and timestamps.iso_of(timestamps.milliseconds_of(row.admitted_at)),
        "server_time": page["server_time"],
        "state": page["state"],
    }


def _states(prefix: str) -> dict[str, str]:
    """As the sweep records them."""
    recorded_states.follow_the_clock()
    return {name: Campaign.objects.get(slug=f"{prefix}-{name}").state for name in WINDOWS}


def _stored(prefix: str) -> list[str]:
    """Moments of admissions, stored by a drain and read back, in a sale that sold none."""
    sale = snapshot.snapshot_of(Campaign.objects.get(slug=f"{prefix}-over"))
    claims = [
        AdmittedClaim(f"user-{place}", 1, place, timestamps.milliseconds_of(at))
        for place, at in enumerate(STORED, 1)
    ]
    writer.insert_rows(sale, claims)
    rows = Coupon.objects.filter(campaign__slug=f"{prefix}-over").order_by("place")
    return [row.admitted_at.isoformat() for row in rows]


main()
