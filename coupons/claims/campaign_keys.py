"""Derivation of a campaign's secrets from a master key."""

import hmac
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class CampaignKey:
    """The secrets of one campaign, derived from the master key that `key_id` names."""

    key_id: str
    code: bytes
    receipt: bytes
    queue: bytes
    refusals: bytes


@lru_cache(maxsize=4096)
def campaign_key(key_id: str, master: bytes, slug: str) -> CampaignKey:
    """Derive a campaign's own keys, so that a leaked key of one campaign is of no use for
    others."""
    return CampaignKey(
        key_id,
        hmac.digest(master, b"code/" + slug.encode(), "sha256"),
        hmac.digest(master, b"receipt/" + slug.encode(), "sha256"),
        hmac.digest(master, b"queue/" + slug.encode(), "sha256"),
        hmac.digest(master, b"refusals/" + slug.encode(), "sha256"),
    )
