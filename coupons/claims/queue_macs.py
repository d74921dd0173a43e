"""The MAC of an entry on its way from Redis to MySQL: 8 bytes, by a key of its campaign for this.

It covers what the process knows that sends the entry to Redis: campaign, user, nth, request. Place
and moment are given by Redis: a MAC says that our service was asked for this user, not more.
QUEUE_MAC says whether entries get one, and whether one without is believed.
"""

import hmac

from coupons.claims import hmac_sha256
from coupons.claims.campaign_keys import CampaignKey
from coupons.claims.hot_settings import settings
from coupons.claims.values import AdmittedClaim, QueueMac, Reason

MAC_BYTES = 8


def sign_claim(key: CampaignKey, user: str, nth: int, request: str) -> bytes:
    """The MAC of a claim or a grant; empty with `off`."""
    if settings.QUEUE_MAC == QueueMac.OFF:
        return b""
    name = user.encode()
    return _mac(key, b"claim %d %d %b%b" % (nth, len(name), name, request.encode()))


def sign_waiter(key: CampaignKey, user: str) -> bytes:
    """The MAC of a user who joins the waitlist; empty with `off`."""
    if settings.QUEUE_MAC == QueueMac.OFF:
        return b""
    return _mac(key, b"waiter " + user.encode())


def claim_doubt(key: CampaignKey, claim: AdmittedClaim) -> Reason | None:
    """Why a claim read from a queue may not become a coupon; None: it may."""
    return _doubt(claim.mac, sign_claim(key, claim.user, claim.nth, claim.request))


def waiter_doubt(key: CampaignKey, user: str, mac: bytes) -> Reason | None:
    """Why a user read from the stream of a waitlist may not be put on it; None: may."""
    return _doubt(mac, sign_waiter(key, user))


def _mac(key: CampaignKey, message: bytes) -> bytes:
    return hmac_sha256.hmac_sha256(key.queue, message)[:MAC_BYTES]


def _doubt(mac: bytes, right: bytes) -> Reason | None:
    if not right:
        return None
    if not mac:
        return Reason.UNSIGNED if settings.QUEUE_MAC == QueueMac.REQUIRED else None
    return None if hmac.compare_digest(mac, right) else Reason.FORGED
