"""Warm-up ten minutes before an opening: loads scripts, fills caches and opens connections, so that
the first claims are not slower."""

import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import connection

from coupons.audit import labels
from coupons.campaigns import lookup, opening_hold
from coupons.database import availability
from coupons.models import Campaign
from coupons.store import store

ASKS_PER_HOST = 64  # at once, so that all processes and threads get some and open their connections
PATIENCE_S = 5


def warm_up(campaign: Campaign) -> str:
    """Warm up and record in the campaign's history what was done; returns that note. Idempotent.

    Raises StoreAway, DatabaseAway: then nothing is recorded, and the guard's next run tries again.
    """
    notes = [_query_database()]
    if campaign.strategy == Campaign.Strategy.QUEUED:
        notes.append(labels.SCRIPTS_LOADED.format(store().load_scripts()))
        lookup.load_snapshot(campaign.slug)
    notes += [_warm_up_host(url.rstrip("/"), campaign.slug) for url in settings.WARM_UP_URLS]
    note = labels.list_separator(*notes)
    opening_hold.note_warm_up(campaign, what=note)
    return note


def _query_database() -> str:
    began = time.monotonic()
    with availability.require_database(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return labels.DATABASE_ANSWERED.format(round(1000 * (time.monotonic() - began)))


def _warm_up_host(url: str, slug: str) -> str:
    """Make a host's threads load the campaign's snapshot and open their connections to Redis."""
    page = f"{url}/api/v1/campaigns/{slug}"
    with ThreadPoolExecutor(ASKS_PER_HOST) as threads:
        answers = sum(threads.map(_answers, [page] * ASKS_PER_HOST))
    return labels.HOST_ANSWERED.format(url, answers, ASKS_PER_HOST)


def _answers(page: str) -> bool:
    # The load balancer's header, since TLS ends there: without it HTTP is redirected to HTTPS.
    request = urllib.request.Request(page, headers={"X-Forwarded-Proto": "https"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S):  # noqa: S310 - our own setting
            return True
    except (urllib.error.URLError, OSError):
        return False
