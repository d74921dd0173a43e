"""Negative cache of sold-out and closed campaigns, with a Bloom filter of their holders.

After the last coupon nearly every claim is refused, and most refusals need no call to Redis. But a
holder must always get the place as answer. So the process caches the campaign's Bloom filter as
well: a user whose two bits are not both set holds no place and is refused here. All others go to
Redis and get the exact answer.

An entry lives for MEMORY_S and is extended by the next refusal from Redis, if the set of claimants
(its version) is unchanged. So every process notices a raised stock, a later closing, or a Redis
that lost its data within MEMORY_S.
"""

import time
from dataclasses import dataclass
from threading import Lock

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import holder_filter
from coupons.claims.values import Claim, Outcome
from coupons.errors import StoreFailure
from coupons.store import claimant_field, store

MEMORY_S = 0.25


@dataclass(slots=True)
class _Memory:
    outcome: Outcome
    version: str
    filter: bytes
    until_s: float


_memories: dict[str, _Memory] = {}
_learning = Lock()


def cached_refusal(campaign: CampaignSnapshot, claim: Claim) -> Outcome | None:
    """The cached refusal, if the user certainly holds no place; None: ask Redis."""
    memory = _memories.get(campaign.slug)
    if memory is None or memory.until_s < time.monotonic():
        return None
    field = claimant_field.encode_field(claim.user, claim.nth, campaign.per_user)
    both = holder_filter.bit_positions(field, campaign.filter_blocks)
    return None if all(_is_set(memory.filter, bit) for bit in both) else memory.outcome


def cache_refusal(campaign: CampaignSnapshot, outcome: Outcome, version: str) -> None:
    """Store or extend the entry after Redis refused a claim as sold out or closed. `version` names
    the set of claimants at that moment."""
    memory = _memories.get(campaign.slug)
    if memory is not None and (memory.outcome, memory.version) == (outcome, version):
        memory.until_s = time.monotonic() + MEMORY_S
    elif _learning.acquire(blocking=False):  # one thread loads the filter, the others don't wait
        try:
            _take_along(campaign, outcome, version)
        finally:
            _learning.release()


def _take_along(campaign: CampaignSnapshot, outcome: Outcome, version: str) -> None:
    """Load the filter from Redis and cache it. A filter that is too short is damaged, so it may
    lack the bits of holders: it is not cached."""
    since_s = time.monotonic()
    try:
        found = store().claimant_filter(campaign.slug, version=version)
    except StoreFailure:
        return  # the refusal is valid all the same; the next one tries again
    if found is not None and len(found) * 8 >= holder_filter.bit_count(campaign.filter_blocks):
        _memories[campaign.slug] = _Memory(outcome, version, found, since_s + MEMORY_S)


def _is_set(bits: bytes, position: int) -> bool:
    """In Redis' bit order: bit 0 is the highest bit of byte 0."""
    byte = position >> 3
    return byte < len(bits) and bool(bits[byte] & (128 >> (position & 7)))


def clear_sold_out_cache(**_: object) -> None:
    """Empty this process's cache."""
    _memories.clear()
