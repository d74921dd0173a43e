"""Negative cache of campaigns that are sold out, closed or not open yet, with a Bloom filter of
their holders.

Before the opening and after the last coupon nearly every claim is refused, and most refusals need
no call to Redis. But a holder must always get the place as answer (before the opening there may be
holders, too: of grants, or of a window that was moved). So the process caches the campaign's Bloom
filter as well: a user whose two bits are not both set holds no place and is refused here. All
others go to Redis and get the exact answer.

An entry lives for `_lifetime_s` and is extended by the next refusal from Redis, if the set of
claimants (its version) is unchanged. So every process notices a raised stock, a later closing,
another opening, a pause, or a Redis that lost its data within that time.

**Whom this process has told a place, it never refuses.** A refusal that Redis decided before may be
handled after the place was told, by a thread that waited meanwhile. So a refusal counts only if
Redis was asked after this process last told a place to somebody whom its filter did not know.

**The opening is not such a change.** A refusal as not open says when the gate opens and what time
it was, both by Redis' clock. Redis decided after this process began to ask; so by the monotonic
clock since then, Redis' clock can't have come to the opening before `_opens_s`. The entry ends
EARLY_MARGIN_S before that, and whoever asks from then on is decided by Redis. No host's wall clock
is read. A host whose monotonic clock stood still (a suspended machine), or a Redis whose clock was
set, is another change: noticed within EARLY_TTL_S.

A refusal from this cache is dated by Redis' clock all the same: the moment of the last refusal from
Redis, and the monotonic time since then.
"""

import math
import time
from dataclasses import dataclass, field, replace
from threading import Lock

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import holder_filter
from coupons.claims.values import Admission, Claim, Outcome
from coupons.errors import StoreFailure
from coupons.runtime import ProcessState
from coupons.store import Decision, claimant_field, store

ENTRY_TTL_S = 0.25
EARLY_TTL_S = 0.05  # an operator who opens a campaign now waits no longer for any process
EARLY_MARGIN_S = 0.01  # Redis' milliseconds have no fractions; clocks drift 0.1 ms in a second
_LOAD_EVERY_S = 0.25  # of a filter, however often claimants are added meanwhile (bulk grants)
_UNUSED_S = 60.0  # an entry that ended this long ago is dropped when another one is loaded
MOST_BYTES = 64 * 2**20  # of filters; beyond, those are dropped that end first
_LEAST_SHARE = 0.2  # of the lifetime, for a reply that this process was slow to handle


@dataclass(frozen=True, slots=True)
class _Entry:
    refusal: Admission  # the last one from Redis
    asked_s: float  # before Redis was asked for it; all moments are monotonic
    answered_s: float  # when it came
    version: str
    filter: bytes
    loaded_s: float
    until_s: float


@dataclass(slots=True)
class _Cache:
    entries: dict[str, _Entry] = field(default_factory=dict)
    told_s: dict[str, float] = field(default_factory=dict)  # see `note_holder`
    loading: Lock = field(default_factory=Lock)  # of a filter
    writing: Lock = field(default_factory=Lock)  # of an entry


_cache = ProcessState(_Cache)


def cached_refusal(campaign: CampaignSnapshot, claim: Claim, now_s: float) -> Admission | None:
    """The cached refusal, if the user certainly holds no place; None: ask Redis. `now_s`: the
    monotonic clock."""
    cache = _cache.current
    entry = cache.entries.get(campaign.slug)
    if entry is None or entry.until_s < now_s:
        return None
    if _has_told_since(cache, campaign.slug, entry.asked_s):
        return None
    if entry.filter and _may_hold(entry.filter, campaign, claim):
        return None
    refusal = entry.refusal
    at_ms = refusal.at_ms + int(1000 * (now_s - entry.answered_s))
    return Admission(refusal.outcome, 0, at_ms, refusal.last_place_ms, refusal.opens_ms)


def note_holder(campaign: CampaignSnapshot, claim: Claim) -> None:
    """To be called before a user is told a place: no refusal for which Redis was asked before is
    believed any more, unless the cached filter knows the user."""
    cache = _cache.current
    entry = cache.entries.get(campaign.slug)
    if entry is None or not entry.filter or not _may_hold(entry.filter, campaign, claim):
        cache.told_s[campaign.slug] = time.monotonic()


def _may_hold(bits: bytes, campaign: CampaignSnapshot, claim: Claim) -> bool:
    field = claimant_field.encode_field(claim.user, claim.nth, campaign.per_user)
    return holder_filter.may_hold(bits, field, campaign.filter_blocks)


def cache_refusal(
    campaign: CampaignSnapshot, refusal: Admission, decision: Decision, *, asked_s: float
) -> None:
    """Store or extend the entry after Redis refused a claim as sold out, closed or not open.
    `asked_s`: a moment before Redis was asked."""
    cache, now_s, slug = _cache.current, time.monotonic(), campaign.slug
    if _has_told_since(cache, slug, asked_s):
        return
    until_s = _ends_s(refusal, decision, asked_s=asked_s, now_s=now_s)
    with cache.writing:  # no older refusal replaces an entry that another thread writes
        entry = cache.entries.get(slug)
        if entry is not None and entry.version == decision.version:
            if asked_s > entry.asked_s:
                cache.entries[slug] = replace(
                    entry, refusal=refusal, asked_s=asked_s, answered_s=now_s, until_s=until_s
                )
            return
    if until_s < now_s or (entry is not None and now_s < entry.loaded_s + _LOAD_EVERY_S):
        return
    if not cache.loading.acquire(blocking=False):
        return  # another thread loads it, and this one does not wait
    try:
        bits = _filter_of(campaign, decision)
        if bits is not None:
            _drop_unused(cache, now_s, room_for=len(bits))
            with cache.writing:
                cache.entries[slug] = _Entry(
                    refusal, asked_s, now_s, decision.version, bits, now_s, until_s
                )
    finally:
        cache.loading.release()


def _has_told_since(cache: _Cache, slug: str, asked_s: float) -> bool:
    return cache.told_s.get(slug, -math.inf) >= asked_s


def _ends_s(refusal: Admission, decision: Decision, *, asked_s: float, now_s: float) -> float:
    lifetime_s = _lifetime_s(refusal)
    # Where replies wait longer than an entry lives, a crowd must not go to Redis for it.
    ends_s = max(asked_s + lifetime_s, now_s + _LEAST_SHARE * lifetime_s)
    return min(ends_s, _opens_s(decision, asked_s) - EARLY_MARGIN_S)


def _lifetime_s(refusal: Admission) -> float:
    return EARLY_TTL_S if refusal.outcome is Outcome.NOT_OPEN else ENTRY_TTL_S


def _opens_s(decision: Decision, asked_s: float) -> float:
    """When Redis' clock comes to the opening, at the earliest; `inf` if it has been there."""
    if decision.opens_ms is None:
        return math.inf
    return asked_s + (decision.opens_ms - decision.at_ms) / 1000


def _filter_of(campaign: CampaignSnapshot, decision: Decision) -> bytes | None:
    """The filter of the holders; b"" if nobody is one. None: Redis did not answer, the set of
    claimants has changed, or the filter is damaged: one that is too short may lack the bits of
    holders."""
    if decision.nobody_holds:
        return b""
    try:
        bits = store().admission.claimant_filter(campaign.slug, version=decision.version)
    except StoreFailure:
        return None  # the refusal is valid all the same; the next one tries again
    least = holder_filter.bit_count(campaign.filter_blocks)
    return bits if bits is not None and len(bits) * 8 >= least else None


def _drop_unused(cache: _Cache, now_s: float, *, room_for: int) -> None:
    """Keep MOST_BYTES at most, with another filter of so many. One of a million coupons has 2 MB;
    whoever asks for many closed campaigns must not fill the process with them."""
    kept = room_for
    newest_first = sorted(cache.entries.items(), key=lambda item: item[1].until_s, reverse=True)
    for slug, entry in newest_first:
        kept += len(entry.filter)
        if kept > MOST_BYTES or entry.until_s + _UNUSED_S < now_s:
            cache.entries.pop(slug, None)
    for slug, told_s in list(cache.told_s.items()):
        if told_s + _UNUSED_S < now_s:  # no request takes so long
            cache.told_s.pop(slug, None)


def clear_refusals(**_: object) -> None:
    """Empty this process's cache."""
    _cache.current.entries.clear()
