"""Negative cache of sold-out and closed campaigns, with a Bloom filter of their holders.

After the last coupon nearly every claim is refused, and most refusals need no call to Redis. But a
holder must always get the place as answer. So the process caches the campaign's Bloom filter as
well: a user whose two bits are not both set holds no place and is refused here. All others go to
Redis and get the exact answer.

An entry lives for ENTRY_TTL_S and is extended by the next refusal from Redis, if the set of
claimants (its version) is unchanged. So every process notices a raised stock, a later closing, or a
Redis that lost its data within ENTRY_TTL_S.

A refusal from this cache is dated by Redis' clock all the same: the moment of the last refusal from
Redis, and the monotonic time since then.
"""

import time
from dataclasses import dataclass, field
from threading import Lock

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import holder_filter
from coupons.claims.values import Admission, Claim
from coupons.errors import StoreFailure
from coupons.runtime import ProcessState
from coupons.store import claimant_field, store

ENTRY_TTL_S = 0.25


@dataclass(slots=True)
class _Entry:
    dated: tuple[Admission, float]  # Redis' last refusal, and when it came (monotonic)
    version: str
    filter: bytes
    until_s: float


@dataclass(slots=True)
class _Cache:
    entries: dict[str, _Entry] = field(default_factory=dict)
    loading: Lock = field(default_factory=Lock)


_cache = ProcessState(_Cache)


def cached_refusal(campaign: CampaignSnapshot, claim: Claim) -> Admission | None:
    """The cached refusal, if the user certainly holds no place; None: ask Redis."""
    entry, now_s = _cache.current.entries.get(campaign.slug), time.monotonic()
    if entry is None or entry.until_s < now_s:
        return None
    field = claimant_field.encode_field(claim.user, claim.nth, campaign.per_user)
    bits = holder_filter.bit_positions(field, campaign.filter_blocks)
    if all(_is_set(entry.filter, bit) for bit in bits):
        return None
    refusal, answered_s = entry.dated
    at_ms = refusal.at_ms + int(1000 * (now_s - answered_s))
    return Admission(refusal.outcome, 0, at_ms, refusal.last_place_ms)


def cache_refusal(campaign: CampaignSnapshot, refusal: Admission, version: str) -> None:
    """Store or extend the entry after Redis refused a claim as sold out or closed. `version` names
    the set of claimants at that moment."""
    entry = _cache.current.entries.get(campaign.slug)
    now_s = time.monotonic()
    if entry is not None and entry.version == version and entry.dated[0].outcome is refusal.outcome:
        entry.dated, entry.until_s = (refusal, now_s), now_s + ENTRY_TTL_S
        return
    loading = _cache.current.loading
    if loading.acquire(blocking=False):  # one thread loads the filter, the others don't wait
        try:
            _load_entry(campaign, refusal, version, now_s)
        finally:
            loading.release()


def _load_entry(
    campaign: CampaignSnapshot, refusal: Admission, version: str, answered_s: float
) -> None:
    """Load the filter from Redis and cache it. A filter that is too short is damaged, so it may
    lack the bits of holders: it is not cached."""
    began_s = time.monotonic()
    try:
        bits = store().admission.claimant_filter(campaign.slug, version=version)
    except StoreFailure:
        return  # the refusal is valid all the same; the next one tries again
    if bits is not None and len(bits) * 8 >= holder_filter.bit_count(campaign.filter_blocks):
        entry = _Entry((refusal, answered_s), version, bits, began_s + ENTRY_TTL_S)
        _cache.current.entries[campaign.slug] = entry


def _is_set(bits: bytes, position: int) -> bool:
    """In Redis' bit order: bit 0 is the highest bit of byte 0."""
    byte = position >> 3
    return byte < len(bits) and bool(bits[byte] & (128 >> (position & 7)))


def clear_sold_out_cache(**_: object) -> None:
    """Empty this process's cache."""
    _cache.current.entries.clear()
