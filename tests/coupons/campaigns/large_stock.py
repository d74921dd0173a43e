"""A stock of several batches, interrupted changes of it, and the state that must result."""

from collections.abc import Callable
from typing import Any

import pytest

from coupons.admission import strategies
from coupons.campaigns.slots import BATCH
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.limits import slot_id
from coupons.claims.values import Claim
from coupons.models import Campaign, Slot
from coupons.store import store

LARGE = 6 * BATCH


Draft = Callable[..., Campaign]


KILLED = -9


class Gone(BaseException):
    """Raised between two batches; for both stores it is as if the process were killed."""


def interrupt_change(change: Callable[..., Any], *asked: Any, after: int, **options: Any) -> None:
    """Make the change and interrupt it after so many batches."""
    told: list[int] = []

    def stop_after_batches(now: int, wanted: int) -> None:
        told.append(now)
        if len(told) == after:
            raise Gone

    with pytest.raises(Gone):
        change(*asked, actor="Jun", tell=stop_after_batches, **options)


def slot_places() -> list[int]:
    """The places of all slots, in order. Requires that only one campaign exists."""
    base = slot_id(Campaign.objects.get().pk, 0)
    return [id - base for id in Slot.objects.order_by("id").values_list("id", flat=True)]


def assert_whole(stock: int) -> None:
    """Redis, the campaign's row and the slots agree, and no change is pending."""
    campaign = Campaign.objects.get()
    assert (campaign.stock, campaign.slots_to_keep) == (stock, None)
    assert slot_places() == list(range(1, stock + 1))
    assert store().campaigns.gate("sale").stock == stock


def claim_places(sale: CampaignSnapshot, *names: str) -> list[int]:
    return [strategies.admit(sale, Claim(name)).place for name in names]
