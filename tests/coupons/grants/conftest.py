"""Campaigns whose stock comes back, and shorthands for what happens to them."""

from collections.abc import Callable
from typing import Any

import pytest

from coupons.admission import strategies
from coupons.audit.actors import Actor
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.grants import waitlist
from coupons.issuing.drain import drain
from coupons.models import ActorKind, Campaign, Coupon
from coupons.redemption import lifecycle
from tests.conftest import CampaignMaker

MINA = Actor(ActorKind.OPERATOR, "Mina")


class Sale:
    """A sold-out campaign called `sale`, and what people do with it."""

    def __init__(self, campaign: CampaignSnapshot) -> None:
        self.campaign = campaign

    def claim(self, *users: str) -> list[int]:
        return [strategies.admit(self.campaign, Claim(user)).place for user in users]

    def store(self) -> dict[str, int]:
        if self.campaign.strategy == Campaign.Strategy.QUEUED:
            drain("sale", consumer="one")
        return dict(Coupon.objects.values_list("user", "place"))

    def join(self, *users: str) -> list[int]:
        return [waitlist.join_waitlist(self.campaign, user)[0].number for user in users]

    def position(self, user: str) -> int:
        return waitlist.find_standing(self.campaign, user).position

    def revoke(self, *users: str, returns: bool = True) -> None:
        for user in users:
            pk = Coupon.objects.get(user=user).pk
            lifecycle.revoke_coupon(pk=pk, actor=MINA, reason="stolen", returns=returns)

    def undo(self, user: str) -> None:
        pk = Coupon.objects.get(user=user).pk
        lifecycle.undo_revocation(pk, actor=MINA, reason="mistake")


@pytest.fixture
def sold_out(open_campaign: CampaignMaker) -> Callable[..., Sale]:
    """Make a campaign whose two coupons ann and bob have."""

    def make(**fields: Any) -> Sale:
        defaults: dict[str, Any] = {"stock": 2, "returns_to": "waitlist", "waitlist_limit": 10}
        if fields.get("returns_to") in ("pool", "burn"):
            defaults["waitlist_limit"] = 0
        sale = Sale(open_campaign(**defaults | fields))
        sale.claim("ann", "bob")
        sale.store()
        return sale

    return make
