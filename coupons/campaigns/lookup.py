"""Look-up of campaign snapshots, with a cache (and a negative cache) in each process.

Snapshots are stored in Redis, in the campaign's gate, so that a claim needs no database. MySQL is
asked only for campaigns that are not in Redis: `direct` ones and unknown ones.
"""

import math
import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from django.conf import settings

from coupons.campaigns.snapshot import CampaignSnapshot, parse_snapshot, snapshot_of
from coupons.claims.limits import SLUG
from coupons.database import availability
from coupons.errors import CouponError, DatabaseAway, StoreFailure, UnknownCampaign, WrongLayout
from coupons.models import Campaign
from coupons.runtime import ProcessState
from coupons.store import store

LONGEST_WAIT_S = 0.2  # for another thread's query, as for a connection
MOST_CACHED = 10_000  # entries in each cache; made-up names can't use more memory


@dataclass(slots=True)
class _SlugList:
    slugs: frozenset[str] = frozenset()
    at_s: float = -math.inf
    reading: Lock = field(default_factory=Lock)


@dataclass(slots=True)
class _Caches:
    snapshots: dict[str, tuple[float, CampaignSnapshot]] = field(default_factory=dict)
    unknown: dict[str, float] = field(default_factory=dict)  # made-up names evict no campaign
    slug_list: _SlugList = field(default_factory=_SlugList)


snapshot_caches = ProcessState(_Caches)


def find_snapshot(slug: str) -> CampaignSnapshot:
    """The campaign's snapshot, at most FACTS_TTL_S old; older if its store is away.

    Raises UnknownCampaign (also for drafts), DatabaseAway, MissingKey.
    """
    now, caches = time.monotonic(), snapshot_caches.current
    until, campaign = caches.snapshots.get(slug, (0.0, None))
    if campaign is not None and until > now:
        return campaign
    if caches.unknown.get(slug, 0.0) > now or not SLUG.fullmatch(slug):
        raise UnknownCampaign
    campaign = _load_or_keep(slug, campaign)
    cache: dict[str, Any] = caches.unknown if campaign is None else caches.snapshots
    if len(cache) >= MOST_CACHED:
        cache.clear()
    until = now + settings.FACTS_TTL_S
    if campaign is None:
        caches.unknown[slug] = until
        raise UnknownCampaign
    caches.snapshots[slug] = (until, campaign)
    return campaign


def _load_or_keep(slug: str, cached: CampaignSnapshot | None) -> CampaignSnapshot | None:
    """A fresh snapshot; the cached one if loading fails with a CouponError."""
    try:
        return load_snapshot(slug)
    except WrongLayout:
        raise
    except CouponError:
        if cached is None:
            raise
        return cached


def load_snapshot(slug: str) -> CampaignSnapshot | None:
    """The snapshot from Redis, or from MySQL if Redis has no readable one; None: no such campaign,
    or still a draft. Raises DatabaseAway, MissingKey."""
    now = time.monotonic()
    try:
        raw, as_of_s = store().campaigns.stored_snapshot(slug), now - settings.FACTS_TTL_S
    except WrongLayout:
        raise
    except StoreFailure:  # a direct campaign needs no Redis; for a queued one, also a new one,
        raw, as_of_s = None, now  # admission must report the failure: the list must be current
    snapshot = parse_snapshot(raw) if raw else None
    if snapshot and snapshot.slug == slug:
        return snapshot
    if slug not in _public_slugs(as_of_s):
        return None
    with availability.require_database():
        row = Campaign.objects.filter(slug=slug).exclude(state=Campaign.State.DRAFT).first()
    return None if row is None else snapshot_of(row)


def _public_slugs(as_of_s: float) -> frozenset[str]:
    """The slugs of all campaigns that are not drafts, read at `as_of_s` (monotonic) or later. One
    query at a time, however many made-up names come: other threads wait for it, at most
    LONGEST_WAIT_S, and share the result. Raises DatabaseAway."""
    slug_list, is_away = snapshot_caches.current.slug_list, availability.breaker().open
    if not slug_list.reading.acquire(timeout=0 if is_away else LONGEST_WAIT_S):
        raise DatabaseAway("Database: the list of campaigns is still being read.")
    try:
        if slug_list.at_s < as_of_s:
            with availability.require_database():
                at_s = time.monotonic()
                public = Campaign.objects.exclude(state=Campaign.State.DRAFT)
                slug_list.slugs = frozenset(public.values_list("slug", flat=True))
                slug_list.at_s = at_s
        return slug_list.slugs
    finally:
        slug_list.reading.release()


def clear_snapshots(**_: object) -> None:
    """Empty this process's caches."""
    caches = snapshot_caches.current
    caches.snapshots.clear()
    caches.unknown.clear()
    caches.slug_list.at_s = -math.inf
