"""What a view must know of a campaign before it asks for an admission, kept in the process.

Facts live in Redis beside the gate, so that the way of a claim needs no database. MySQL is asked
only for campaigns that Redis does not hold: `direct` ones and unknown ones.
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
from coupons.errors import CouponError, DatabaseAway, StoreFailure, UnknownCampaign
from coupons.models import Campaign
from coupons.store import store

LONGEST_WAIT_S = 0.2  # for another thread's query, as for a connection
MOST_REMEMBERED = 10_000  # campaigns, and made-up names: bounds what those can take

# One sentence, whatever this process remembers, and without the name: a crowd that guesses names is
# answered with one document (`api.problems`).
_NOBODY_KNOWS = "There is no campaign of this name."
_remembered: dict[str, tuple[float, CampaignSnapshot]] = {}
_unknown: dict[str, float] = {}  # apart, so that made-up names push no campaign out


def find_snapshot(slug: str) -> CampaignSnapshot:
    """The campaign's facts, at most FACTS_TTL_S old while its home answers.

    Raises UnknownCampaign (also for drafts), DatabaseAway, MissingKey.
    """
    now = time.monotonic()
    until, campaign = _remembered.get(slug, (0.0, None))
    if campaign is not None and until > now:
        return campaign
    if _unknown.get(slug, 0.0) > now or not SLUG.fullmatch(slug):
        raise UnknownCampaign(_NOBODY_KNOWS)
    campaign = _load_or_keep(slug, campaign)
    memory: dict[str, Any] = _unknown if campaign is None else _remembered
    if len(memory) >= MOST_REMEMBERED:
        memory.clear()
    until = now + settings.FACTS_TTL_S
    if campaign is None:
        _unknown[slug] = until
        raise UnknownCampaign(_NOBODY_KNOWS)
    _remembered[slug] = (until, campaign)
    return campaign


def _load_or_keep(slug: str, kept: CampaignSnapshot | None) -> CampaignSnapshot | None:
    """Fresh facts; while their home is away, the ones we have."""
    try:
        return load_snapshot(slug)
    except CouponError:
        if kept is None:
            raise
        return kept


def load_snapshot(slug: str) -> CampaignSnapshot | None:
    """From Redis, or from MySQL where Redis has none that can be read; None: no such campaign, or
    still a draft. Raises MissingKey."""
    now = time.monotonic()
    try:
        raw, as_of_s = store().stored_snapshot(slug), now - settings.FACTS_TTL_S
    except StoreFailure:  # a direct campaign needs no Redis; a queued one will be told by
        raw, as_of_s = None, now  # admission, also one that is new, so an older list will not do
    known = parse_snapshot(raw) if raw else None
    if known and known.slug == slug:
        return known
    if slug not in _public(as_of_s):
        return None
    with availability.require_database():
        row = Campaign.objects.filter(slug=slug).exclude(state=Campaign.State.DRAFT).first()
    return None if row is None else snapshot_of(row)


def _public(as_of_s: float) -> frozenset[str]:
    """All slugs that were no drafts' at that moment or later: one query at a time for any number
    of made-up names. Who comes while one runs waits for it, and shares the next; not for long: a
    thread that waits for a database that hangs serves nobody. Raises DatabaseAway."""
    if not _listed.reading.acquire(timeout=0 if availability.breaker.open else LONGEST_WAIT_S):
        raise DatabaseAway("Database: the list of campaigns is still being read.")
    try:
        if _listed.at_s < as_of_s:
            with availability.require_database():
                at_s = time.monotonic()
                public = Campaign.objects.exclude(state=Campaign.State.DRAFT)
                _listed.slugs = frozenset(public.values_list("slug", flat=True))
                _listed.at_s = at_s
        return _listed.slugs
    finally:
        _listed.reading.release()


@dataclass(slots=True)
class _Listed:
    slugs: frozenset[str] = frozenset()
    at_s: float = -math.inf
    reading: Lock = field(default_factory=Lock)


_listed = _Listed()


def clear_snapshots(**_: object) -> None:
    """Empty this process's memory of campaigns."""
    _remembered.clear()
    _unknown.clear()
    _listed.at_s = -math.inf
