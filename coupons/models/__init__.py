"""What MySQL owns: a campaign's definition, its slots, and the coupons. The last word is here."""

from coupons.models.bounds import MAX_PER_USER, MAX_STOCK, SLUG
from coupons.models.campaign import Campaign, CampaignEvent
from coupons.models.coupon import MAX_REQUEST_BYTES, MAX_USER_BYTES, Coupon, GivenUp
from coupons.models.fields import ExactField
from coupons.models.stock import PLACES_PER_CAMPAIGN, Slot, Tally, slot_id

__all__ = [
    "MAX_PER_USER",
    "MAX_REQUEST_BYTES",
    "MAX_STOCK",
    "MAX_USER_BYTES",
    "PLACES_PER_CAMPAIGN",
    "SLUG",
    "Campaign",
    "CampaignEvent",
    "Coupon",
    "ExactField",
    "GivenUp",
    "Slot",
    "Tally",
    "slot_id",
]
