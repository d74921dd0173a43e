"""What the merchants' API and `manage.py campaign` show of campaigns."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from coupons.campaigns import definition
from coupons.campaigns.effective_state import effective_state
from coupons.claims import timestamps
from coupons.database import availability, clock
from coupons.models import Campaign, Tally


def describe_campaigns(campaigns: Sequence[Campaign]) -> list[dict[str, Any]]:
    """Definition, state by the database's clock, and how many coupons are stored. Raises
    DatabaseAway."""
    now_ms = clock.now_ms()
    with availability.require_database():
        tallies = Tally.objects.filter(campaign__in=[campaign.pk for campaign in campaigns])
        stored = dict(tallies.values_list("campaign_id", "stored"))
    return [_describe_campaign(each, now_ms, stored.get(each.pk, 0)) for each in campaigns]


def _describe_campaign(campaign: Campaign, now_ms: int, stored: int) -> dict[str, Any]:
    return definition.describe_definition(campaign) | {
        "state": effective_state(campaign, now_ms).value,
        "is_held": campaign.held,
        "stored": stored,
        "sold_out_at": _iso(campaign.sold_out_at),
        "created_at": _iso(campaign.created_at),
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else timestamps.iso_text(at)
