"""Creates the campaigns to measure, as an operator would."""

import secrets
from datetime import timedelta

from django.utils import timezone

from coupons.campaigns import lifecycle, snapshot
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.models import Campaign

ACTOR = "bench"


def claims_path(campaign: CampaignSnapshot) -> str:
    return f"/api/v1/campaigns/{campaign.slug}/claims"


def open_campaign(
    name: str, *, stock: int, opens_in: timedelta = timedelta(seconds=-1)
) -> CampaignSnapshot:
    """A campaign that is open now, or opens later. Its slug begins with `name` and is unique."""
    now = timezone.now()
    campaign = Campaign(
        slug=f"{name}-{secrets.token_hex(4)}", name=name, stock=stock, discount_value=10,
        opens_at=now + opens_in, closes_at=now + timedelta(hours=2), valid_days=30,
    )  # fmt: skip
    lifecycle.save_draft(campaign, actor=ACTOR)
    return snapshot.snapshot_of(lifecycle.schedule_campaign(campaign.slug, actor=ACTOR))
