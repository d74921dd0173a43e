"""The public document that all watchers of a campaign poll, from this process's memory.

It is read from the deciding store at most once a second (`shared_value`); a request asks neither
Redis nor MySQL. For the page that shows the campaign and for the API.
"""

from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from typing import Any

import orjson

from coupons.campaigns import last_place, live_counts, lookup
from coupons.campaigns.shared_value import SharedValue
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.timestamps import iso_of, milliseconds_of
from coupons.database import availability
from coupons.database.clock import NowMs
from coupons.errors import StoreFailure
from coupons.models import Campaign, Tally
from coupons.runtime import ProcessState
from coupons.store import store
from coupons.store.live import Counts, LiveGate

FRESH_S, STALE_S, KEPT_S = 1.0, 2.0, 5.0  # see `shared_value`
MOST_CACHED = 10_000  # campaigns


@dataclass(frozen=True, slots=True)
class LiveDocument:
    """`state`: scheduled, open, paused, sold_out or closed. Moments in ms by the deciding store's
    clock; `now_ms`: when it was read. `last_place_ms` None: there are coupons left, or the moment
    is not known. `body`: the document as JSON; `etag`: its validator, with quotes."""

    campaign: str
    state: str
    now_ms: int
    opens_ms: int
    closes_ms: int
    stock: int
    remaining: int
    last_place_ms: int | None
    asked: int
    refused: int
    waitlist: bool
    body: bytes = b""
    etag: str = ""


Documents = dict[str, SharedValue[LiveDocument]]
_documents: ProcessState[Documents] = ProcessState(dict)


def read_live(slug: str) -> LiveDocument:
    """The document, at most a second old; at most KEPT_S old while the store is away. Raises
    UnknownCampaign, StoreFailure, NotInstalled, DatabaseAway, MissingKey."""
    documents = _documents.current
    shared = documents.get(slug)
    if shared is None:
        lookup.find_shown(slug)  # made-up names get no entry
        if len(documents) >= MOST_CACHED:
            documents.clear()
        new = SharedValue[LiveDocument](fresh_s=FRESH_S, stale_s=STALE_S, kept_s=KEPT_S)
        shared = documents.setdefault(slug, new)
    return shared.read_value(partial(_load_document, slug))


def _load_document(slug: str) -> LiveDocument:
    campaign = lookup.find_shown(slug)
    if campaign.strategy == Campaign.Strategy.DIRECT:
        gate = _gate_in_mysql(campaign)
    else:
        gate = store().live.read_gate(slug)
    return _encoded(_document(campaign, gate))


def _document(campaign: CampaignSnapshot, gate: LiveGate) -> LiveDocument:
    state = live_counts.state_at(
        gate.paused, gate.opens_ms, gate.closes_ms, gate.remaining, gate.now_ms
    )
    return LiveDocument(
        campaign=campaign.slug,
        state=state,
        now_ms=gate.now_ms,
        opens_ms=gate.opens_ms,
        closes_ms=gate.closes_ms,
        stock=gate.stock,
        remaining=gate.remaining,
        last_place_ms=None if gate.remaining else gate.last_place_ms,
        asked=gate.counts.asked,
        refused=gate.counts.refused,
        waitlist=campaign.waitlist_limit > 0,
    )


def _encoded(document: LiveDocument) -> LiveDocument:
    last_ms = document.last_place_ms
    members: dict[str, Any] = {
        "campaign": document.campaign,
        "state": document.state,
        "now": iso_of(document.now_ms),
        "opens_at": iso_of(document.opens_ms),
        "closes_at": iso_of(document.closes_ms),
        "stock": document.stock,
        "remaining": document.remaining,
        "last_place_at": None if last_ms is None else iso_of(last_ms),
        "asked": document.asked,
        "refused": document.refused,
        "waitlist": document.waitlist,
    }
    body = orjson.dumps(members)
    etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    return replace(document, body=body, etag=etag)


def _gate_in_mysql(campaign: CampaignSnapshot) -> LiveGate:
    """A direct campaign's, which MySQL decides about; its counts are in Redis all the same. Raises
    DatabaseAway."""
    with availability.require_database():
        row = (
            Tally.objects.select_related("campaign")
            .annotate(now_ms=NowMs())
            .get(campaign_id=campaign.id)
        )
        last_ms = last_place.last_place_ms(row.campaign, row.stored)
    return LiveGate(
        stock=row.campaign.stock - row.campaign.granted,
        remaining=max(0, row.campaign.stock - row.stored),
        opens_ms=milliseconds_of(row.campaign.opens_at),
        closes_ms=milliseconds_of(row.campaign.closes_at),
        paused=row.campaign.state == Campaign.State.PAUSED,
        last_place_ms=last_ms,
        counts=_counts_if_redis_answers(campaign.slug),
        now_ms=row.now_ms,
    )


def _counts_if_redis_answers(slug: str) -> Counts:
    try:
        return store().live.read_counts(slug)
    except StoreFailure:
        return Counts(0, 0)
