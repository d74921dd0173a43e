"""A campaign's public live data: state and remaining coupons, from the store that decides."""

from dataclasses import dataclass

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import timestamps
from coupons.database import availability
from coupons.database.clock import NowMs
from coupons.models import Campaign, Tally
from coupons.store import store


@dataclass(frozen=True, slots=True)
class Live:
    """A campaign's public live data. `state` is the one by which a claim would be decided now, or
    `sold_out`; `now_ms` the deciding store's clock."""

    state: str
    remaining: int
    now_ms: int


def live_counts(campaign: CampaignSnapshot) -> Live:
    """Read the live data. Raises StoreFailure, NotInstalled (queued), DatabaseAway (direct)."""
    if campaign.strategy == Campaign.Strategy.DIRECT:
        return _counts_in_mysql(campaign)
    gate = store().campaigns.gate(campaign.slug)
    state = state_at(gate.paused, gate.opens_ms, gate.closes_ms, gate.remaining, gate.now_ms)
    return Live(state, gate.remaining, gate.now_ms)


def _counts_in_mysql(campaign: CampaignSnapshot) -> Live:
    with availability.require_database():
        row = (
            Tally.objects.select_related("campaign")
            .annotate(now_ms=NowMs())
            .get(campaign_id=campaign.id)
        )
    remaining = max(0, row.campaign.stock - row.stored)
    paused = row.campaign.state == Campaign.State.PAUSED
    opens, closes = row.campaign.opens_at, row.campaign.closes_at
    state = state_at(
        paused,
        timestamps.milliseconds_of(opens),
        timestamps.milliseconds_of(closes),
        remaining,
        row.now_ms,
    )
    return Live(state, remaining, row.now_ms)


def state_at(paused: bool, opens_ms: int, closes_ms: int, remaining: int, now_ms: int) -> str:
    """By which a claim would be decided at `now_ms`, or `sold_out`."""
    if now_ms >= closes_ms:
        return "closed"
    if paused:
        return "paused"
    if now_ms < opens_ms:
        return "scheduled"
    return "open" if remaining else "sold_out"
