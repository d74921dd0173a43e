"""Ring buffer of this process's recent admissions, published to Redis after Redis lost its data.

Until a claim is stored in MySQL, only Redis and the web process that answered it know of it. So
each process keeps its last BUFFER_SIZE admissions and publishes them when it finds a campaign
missing in Redis. A rebuild reads those of all processes (`recovery.lost_admissions`): claims that
MySQL does not have are put back on the queue, and new places are numbered above them.
"""

import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from threading import Lock

import orjson

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import queue_macs
from coupons.claims.values import Claim
from coupons.errors import StoreFailure
from coupons.observability import request_id
from coupons.runtime import ProcessState
from coupons.store import store

BUFFER_SIZE = 10_000  # seconds of a process at its best rate; a claim waits 0.1 s to be stored
_PUBLISH_EVERY_S = 1.0

_Admission = tuple[int, str, int, int, int, str]  # campaign's id, user, nth, place, ms, request


def _new_buffer() -> deque[_Admission]:
    return deque(maxlen=BUFFER_SIZE)


@dataclass(slots=True)
class _Recent:
    admissions: deque[_Admission] = field(default_factory=_new_buffer)
    process: str = field(default_factory=lambda: secrets.token_hex(8))
    publishing: Lock = field(default_factory=Lock)
    next_publish_s: dict[str, float] = field(default_factory=dict)


# A child publishes its own admissions, under its own id.
recent_admissions = ProcessState(_Recent, anew_after_fork=True)


def remember_admission(
    campaign: CampaignSnapshot, claim: Claim, place: int, admitted_ms: int
) -> None:
    """Add an admission to the ring buffer. Part of every admission: 0.14 µs."""
    recent_admissions.current.admissions.append(
        (campaign.id, claim.user, claim.nth, place, admitted_ms, request_id.current_request_id())
    )


def publish_admissions(campaign: CampaignSnapshot) -> None:
    """Publish a campaign's recent admissions after Redis lost the campaign. Never raises. Does
    nothing if this process has published already or another thread is publishing."""
    recent = recent_admissions.current
    if not recent.publishing.acquire(blocking=False):
        return
    try:
        if time.monotonic() >= recent.next_publish_s.get(campaign.slug, 0.0):
            recent.next_publish_s[campaign.slug] = time.monotonic() + _PUBLISH_EVERY_S
            _publish(campaign, recent)
    except StoreFailure:
        pass  # the next refused claim tries again
    finally:
        recent.publishing.release()


def _publish(campaign: CampaignSnapshot, recent: _Recent) -> None:
    if store().recent_admissions.has_published(campaign.slug, recent.process):
        return
    buffered = recent.admissions.copy()
    admitted = [
        _published(campaign, admission) for admission in buffered if admission[0] == campaign.id
    ]
    if admitted:
        store().recent_admissions.publish_admissions(
            campaign.slug, recent.process, orjson.dumps(admitted)
        )


def _published(campaign: CampaignSnapshot, admission: _Admission) -> list[str | int]:
    """With its MAC as hex, if it has one; without, as releases before write it."""
    _, user, nth, place, admitted_ms, request = admission
    mac = queue_macs.sign_claim(campaign.key, user, nth, request)
    return [user, nth, place, admitted_ms, request, *([mac.hex()] if mac else ())]
