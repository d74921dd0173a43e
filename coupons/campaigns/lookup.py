"""Look-up of campaign snapshots, with a cache (and a negative cache) in each process.

Snapshots are stored in Redis, in the campaign's gate, so that a claim needs no database. MySQL is
asked only for campaigns that are not in Redis: `direct` ones and unknown ones.

Users are told of no campaign that is not announced yet (`find_public`). Whether it is, is decided
when a snapshot is loaded, by the clock of the store that it comes from: one that is not is kept
apart, until the moment of its announcement at most. So a claim pays nothing for this.
"""

import math
import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from django.conf import settings

from coupons.campaigns.snapshot import CampaignSnapshot, parse_snapshot, snapshot_of
from coupons.claims.limits import SLUG
from coupons.claims.shadow_slugs import is_shadow_slug
from coupons.database import availability
from coupons.database.clock import NowMs
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
    unannounced: dict[str, tuple[float, CampaignSnapshot]] = field(default_factory=dict)
    unknown: dict[str, float] = field(default_factory=dict)  # made-up names evict no campaign
    slug_list: _SlugList = field(default_factory=_SlugList)


snapshot_caches = ProcessState(_Caches)


def find_public(slug: str) -> CampaignSnapshot:
    """As `find_snapshot`, for users. Raises UnknownCampaign also before the announcement."""
    now, caches = time.monotonic(), snapshot_caches.current
    until, campaign = caches.snapshots.get(slug, (0.0, None))
    if campaign is not None and until > now:
        return campaign
    if caches.unannounced.get(slug, (0.0, None))[0] > now:
        raise UnknownCampaign
    campaign, is_public = _find_anew(slug, now)
    if not is_public:
        raise UnknownCampaign
    return campaign


def find_shown(slug: str) -> CampaignSnapshot:
    """As `find_public`, for pages: a rehearsal's campaign has none. Raises UnknownCampaign."""
    if is_shadow_slug(slug):
        raise UnknownCampaign
    return find_public(slug)


def find_snapshot(slug: str) -> CampaignSnapshot:
    """The campaign's snapshot, at most FACTS_TTL_S old; older if its store is away.

    Raises UnknownCampaign (also for drafts), DatabaseAway, MissingKey.
    """
    now, caches = time.monotonic(), snapshot_caches.current
    for cache in (caches.snapshots, caches.unannounced):
        until, campaign = cache.get(slug, (0.0, None))
        if campaign is not None and until > now:
            return campaign
    return _find_anew(slug, now)[0]


def is_cached(slug: str) -> bool:
    """Whether this process knows a campaign of this name. Asks no store."""
    caches = snapshot_caches.current
    return slug in caches.snapshots or slug in caches.unannounced


def _find_anew(slug: str, now: float) -> tuple[CampaignSnapshot, bool]:
    """Load the snapshot and put it into the cache where it belongs; the old one stays where it is
    if loading fails with a CouponError. Returns also whether it is announced."""
    caches = snapshot_caches.current
    if caches.unknown.get(slug, 0.0) > now or not SLUG.fullmatch(slug):
        raise UnknownCampaign
    until = now + settings.FACTS_TTL_S
    try:
        campaign, now_ms = _load_dated(slug)
    except WrongLayout:
        raise
    except CouponError:
        for cache in (caches.snapshots, caches.unannounced):
            _, kept = cache.get(slug, (0.0, None))
            if kept is not None:
                cache[slug] = (until, kept)
                return kept, cache is caches.snapshots
        raise
    if campaign is None:
        _remember(caches.unknown, slug, until)
        raise UnknownCampaign
    hidden_ms = campaign.announced_ms - now_ms
    if hidden_ms > 0:
        caches.snapshots.pop(slug, None)
        _remember(caches.unannounced, slug, (min(until, now + hidden_ms / 1000), campaign))
    else:
        _remember(caches.snapshots, slug, (until, campaign))
        caches.unannounced.pop(slug, None)
    return campaign, hidden_ms <= 0


def _remember(cache: dict[str, Any], slug: str, entry: Any) -> None:
    if len(cache) >= MOST_CACHED:
        cache.clear()
    cache[slug] = entry


def load_snapshot(slug: str) -> CampaignSnapshot | None:
    """The snapshot from Redis, or from MySQL if Redis has no readable one; None: no such campaign,
    or still a draft. Raises DatabaseAway, MissingKey."""
    return _load_dated(slug)[0]


def _load_dated(slug: str) -> tuple[CampaignSnapshot | None, int]:
    """The snapshot, and the time of the store that it comes from, in ms."""
    now = time.monotonic()
    try:
        (raw, now_ms), as_of_s = store().campaigns.stored_snapshot(slug), now - settings.FACTS_TTL_S
    except WrongLayout:
        raise
    except StoreFailure:  # a direct campaign needs no Redis; for a queued one, also a new one,
        raw, now_ms, as_of_s = None, 0, now  # admission must report the failure: a current list
    snapshot = parse_snapshot(raw) if raw else None
    if snapshot and snapshot.slug == slug:
        return snapshot, now_ms
    if slug not in _public_slugs(as_of_s):
        return None, 0
    with availability.require_database():
        public = Campaign.objects.annotate(now_ms=NowMs()).exclude(state=Campaign.State.DRAFT)
        row = public.filter(slug=slug).first()
    return (None, 0) if row is None else (snapshot_of(row), row.now_ms)


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
    caches.unannounced.clear()
    caches.unknown.clear()
    caches.slug_list.at_s = -math.inf
