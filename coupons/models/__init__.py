"""The tables in MySQL: campaigns, slots, coupons. They are authoritative over Redis."""

from coupons.models.campaign import Campaign
from coupons.models.coupon import Coupon, GivenUp
from coupons.models.fields import ExactField
from coupons.models.history import CampaignEvent, EventKind
from coupons.models.stock import Slot, Tally

__all__ = [
    "Campaign",
    "CampaignEvent",
    "Coupon",
    "EventKind",
    "ExactField",
    "GivenUp",
    "Slot",
    "Tally",
]
