"""The status of the claim of a genuine receipt: issued, queued, given up, or lost."""

from dataclasses import dataclass
from enum import StrEnum

from coupons.campaigns import lookup
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import receipt_tokens
from coupons.claims.limits import SLUG, slot_id
from coupons.claims.receipt_tokens import Receipt
from coupons.database import availability
from coupons.errors import UnknownCampaign
from coupons.models import Campaign, Coupon, GivenUp
from coupons.store import store


class Fate(StrEnum):
    """What became of the claim of a genuine receipt."""

    ISSUED = "issued"
    QUEUED = "queued"
    GIVEN_UP = "given_up"
    LOST = "lost"  # in neither store


@dataclass(frozen=True, slots=True)
class ReceiptStatus:
    """A genuine receipt and what became of its claim. `coupon` is set once it is issued."""

    receipt: Receipt
    fate: Fate
    coupon: Coupon | None = None


def verify_receipt(token: str) -> ReceiptStatus | None:
    """The status of a receipt's claim; None: the receipt is not genuine. Raises StoreAway,
    NotInstalled, DatabaseAway if that can't be determined now."""
    receipt = genuine_receipt(token)
    if receipt is None:
        return None
    return status_of(lookup.find_snapshot(receipt.campaign), receipt)


def genuine_receipt(token: str) -> Receipt | None:
    """The contents of a genuine receipt, else None. Raises DatabaseAway."""
    contents = receipt_tokens.parse_receipt(token)
    if contents is None or not SLUG.fullmatch(contents.campaign):
        return None
    try:
        key = lookup.find_snapshot(contents.campaign).key
    except UnknownCampaign:
        return None
    return receipt_tokens.read_receipt(key, token)


def status_of(campaign: CampaignSnapshot, receipt: Receipt) -> ReceiptStatus:
    with availability.require_database():
        row = Coupon.objects.filter(slot_id=slot_id(campaign.id, receipt.place)).first()
        if row is not None:
            is_same_claim = (row.user, row.nth) == (receipt.user, receipt.nth)
            return (
                ReceiptStatus(receipt, Fate.ISSUED, row)
                if is_same_claim
                else ReceiptStatus(receipt, Fate.LOST)
            )
        given_up = GivenUp.objects.filter(
            campaign_id=campaign.id, place=receipt.place, user=receipt.user, nth=receipt.nth
        )
        if given_up.exists():
            return ReceiptStatus(receipt, Fate.GIVEN_UP)
    if campaign.strategy == Campaign.Strategy.DIRECT:
        return ReceiptStatus(receipt, Fate.LOST)
    admission = store().admission.place_of(
        campaign.slug,
        user=receipt.user,
        nth=receipt.nth,
        per_user=campaign.per_user,
    )
    is_queued = admission == (receipt.place, receipt.admitted_ms)
    return ReceiptStatus(receipt, Fate.QUEUED if is_queued else Fate.LOST)
