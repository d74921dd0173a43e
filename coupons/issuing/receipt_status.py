"""What became of the claim of a genuine receipt: issued, waiting, given up, or lost."""

from dataclasses import dataclass
from enum import StrEnum

from coupons.campaigns import lookup
from coupons.campaigns.snapshot import Facts
from coupons.claims import receipt_tokens
from coupons.claims.limits import SLUG, slot_id
from coupons.claims.receipt_tokens import Receipt
from coupons.database import availability
from coupons.errors import UnknownCampaign
from coupons.models import Campaign, Coupon, GivenUp
from coupons.store import store


class Fate(StrEnum):
    """What became of a claim of which there is a genuine receipt."""

    ISSUED = "issued"
    QUEUED = "queued"
    GIVEN_UP = "given_up"
    LOST = "lost"  # neither store knows of it


@dataclass(frozen=True, slots=True)
class Finding:
    """A genuine receipt and what became of its claim. `coupon` is there once it is issued."""

    receipt: Receipt
    fate: Fate
    coupon: Coupon | None = None


def verify(token: str) -> Finding | None:
    """None: not a receipt of ours. Raises StoreAway, NotInstalled, DatabaseAway: genuine, but
    where its claim stands can't be told now."""
    receipt = genuine(token)
    if receipt is None:
        return None
    return status_of(lookup.of(receipt.campaign), receipt)


def genuine(token: str) -> Receipt | None:
    """What a receipt of ours says. Raises DatabaseAway."""
    said = receipt_tokens.claimed_by(token)
    if said is None or not SLUG.fullmatch(said.campaign):
        return None
    try:
        key = lookup.of(said.campaign).key
    except UnknownCampaign:
        return None
    return receipt_tokens.read_receipt(key, token)


def status_of(campaign: Facts, receipt: Receipt) -> Finding:
    with availability.answering():
        row = Coupon.objects.filter(slot_id=slot_id(campaign.id, receipt.place)).first()
        if row is not None:
            is_this = (row.user, row.nth) == (receipt.user, receipt.nth)
            return Finding(receipt, Fate.ISSUED, row) if is_this else Finding(receipt, Fate.LOST)
        given_up = GivenUp.objects.filter(
            campaign_id=campaign.id, place=receipt.place, user=receipt.user, nth=receipt.nth
        )
        if given_up.exists():
            return Finding(receipt, Fate.GIVEN_UP)
    if campaign.strategy == Campaign.Strategy.DIRECT:
        return Finding(receipt, Fate.LOST)
    known = store().place_of(
        campaign.slug,
        user=receipt.user,
        nth=receipt.nth,
        per_user=campaign.per_user,
    )
    is_known = known == (receipt.place, receipt.admitted_ms)
    return Finding(receipt, Fate.QUEUED if is_known else Fate.LOST)
