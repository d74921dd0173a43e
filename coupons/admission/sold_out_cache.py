"""What a process remembers of campaigns that have nothing left to give: sold out, or closed.

After the last coupon nearly every request is a refusal, and Redis need not be asked for each. But
whoever holds a place must be told so, at any time. So the process takes the campaign's filter
along: two bits per claimant, no claimant without them. Who lacks a bit surely holds no place and
is refused here; everyone else goes on to Redis and gets the exact answer.

A memory lives for MEMORY_S and is renewed by the next refusal that comes from Redis, if that
speaks of the same claimants. So a raised stock, a later closing, or a Redis that lost its memory
is noticed within MEMORY_S by every process.
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
    """The refusal of a user who surely holds no place; None: ask Redis."""
    memory = _memories.get(campaign.slug)
    if memory is None or memory.until_s < time.monotonic():
        return None
    field = claimant_field.encode_field(claim.user, claim.nth, campaign.per_user)
    both = holder_filter.bit_positions(field, campaign.filter_blocks)
    return None if all(_is_set(memory.filter, bit) for bit in both) else memory.outcome


def cache_refusal(campaign: CampaignSnapshot, outcome: Outcome, version: str) -> None:
    """Redis refused a stranger: nothing is left, and these are all its claimants."""
    memory = _memories.get(campaign.slug)
    if memory is not None and (memory.outcome, memory.version) == (outcome, version):
        memory.until_s = time.monotonic() + MEMORY_S
    elif _learning.acquire(blocking=False):  # one is enough, the others need not wait for it
        try:
            _take_along(campaign, outcome, version)
        finally:
            _learning.release()


def _take_along(campaign: CampaignSnapshot, outcome: Outcome, version: str) -> None:
    """Not a filter that is too short: it was damaged, and lacks bits of people who hold a place."""
    since_s = time.monotonic()
    try:
        found = store().claimant_filter(campaign.slug, version=version)
    except StoreFailure:
        return  # the refusal stands; the next one may teach us
    if found is not None and len(found) * 8 >= holder_filter.bit_count(campaign.filter_blocks):
        _memories[campaign.slug] = _Memory(outcome, version, found, since_s + MEMORY_S)


def _is_set(bits: bytes, position: int) -> bool:
    """As Redis counts them: bit 0 is the highest of byte 0."""
    byte = position >> 3
    return byte < len(bits) and bool(bits[byte] & (128 >> (position & 7)))


def clear_sold_out_cache(**_: object) -> None:
    """Empty this process's memory."""
    _memories.clear()
