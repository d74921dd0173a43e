"""Warm-up ten minutes before an opening: loads scripts, fills caches and opens connections, so that
the first claims are not slower."""

import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.db import connection

from coupons.campaigns import lookup, opening_hold
from coupons.database import availability
from coupons.models import Campaign, CampaignEvent
from coupons.store import store

ASKS_PER_HOST = 64  # at once, so that all processes and threads get some and open their connections
PATIENCE_S = 5


def warm_up(campaign: Campaign) -> CampaignEvent:
    """Warm up and record in the campaign's history what was done; returns that event. Idempotent.

    Raises StoreAway, DatabaseAway: then nothing is recorded, and the guard's next run tries again.
    """
    done: dict[str, Any] = {"database_ms": _query_database()}
    if campaign.strategy == Campaign.Strategy.QUEUED:
        done["scripts"] = store().server.load_scripts()
        lookup.load_snapshot(campaign.slug)
    urls = [url.rstrip("/") for url in settings.WARM_UP_URLS]
    done["hosts"] = [[url, _warm_up_host(url, campaign.slug), ASKS_PER_HOST] for url in urls]
    return opening_hold.note_warm_up(campaign, **done)


def _query_database() -> int:
    """Milliseconds until the database answered."""
    began = time.monotonic()
    with availability.require_database(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return round(1000 * (time.monotonic() - began))


def _warm_up_host(url: str, slug: str) -> int:
    """Make a host's threads load the campaign's snapshot and open their connections to Redis.
    Returns how many of ASKS_PER_HOST requests were answered."""
    page = f"{url}/api/v1/campaigns/{slug}"
    with ThreadPoolExecutor(ASKS_PER_HOST) as threads:
        return sum(threads.map(_answers, [page] * ASKS_PER_HOST))


def _answers(page: str) -> bool:
    # The load balancer's header, since TLS ends there: without it HTTP is redirected to HTTPS.
    request = urllib.request.Request(page, headers={"X-Forwarded-Proto": "https"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S):  # noqa: S310 - our own setting
            return True
    except (urllib.error.URLError, OSError):
        return False
