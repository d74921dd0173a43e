"""A closed campaign whose claims are all stored."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from coupons.admission import strategies
from coupons.campaigns import lifecycle
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.issuing.drain import drain
from coupons.models import Campaign
from tests.conftest import CampaignMaker

USERS = ("ann", "bob", "jun", "mina", "민아", "o'neil")
Sale = Callable[..., CampaignSnapshot]


@pytest.fixture
def sale(open_campaign: CampaignMaker) -> Sale:
    """`sale(users, **fields)`: an open campaign whose claims are stored."""

    def make(users: tuple[str, ...] = USERS, **fields: Any) -> CampaignSnapshot:
        known = open_campaign(stock=len(users) or 1, **fields)
        for user in users:
            strategies.admit(known, Claim(user))
        if known.strategy == Campaign.Strategy.QUEUED:
            drain(known.slug, consumer="test")
        return known

    return make


def close(slug: str = "sale") -> Campaign:
    """Close it, and let two minutes pass."""
    lifecycle.close_campaign(slug, actor="Mina")
    campaign = Campaign.objects.get(slug=slug)
    campaign.opens_at -= timedelta(minutes=2)
    campaign.closes_at -= timedelta(minutes=2)
    campaign.save()
    return campaign
