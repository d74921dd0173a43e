"""The tables in MySQL: campaigns, slots, coupons and their life, merchants, webhooks. They are
authoritative over Redis."""

from coupons.models.campaign import Campaign
from coupons.models.coupon import Coupon, GivenUp
from coupons.models.fields import ExactField
from coupons.models.history import CampaignEvent, EventKind
from coupons.models.job import Job, JobLine, JobState
from coupons.models.life import (
    ActorKind,
    CouponEvent,
    CouponLife,
    CouponState,
    ExpiryCursor,
    Returned,
    Verb,
)
from coupons.models.merchant import IdempotentCall, Merchant, MerchantKey, Scope
from coupons.models.stock import Slot, Tally
from coupons.models.waitlist import WaitlistEntry, WaitlistState
from coupons.models.webhook import (
    DeliveryState,
    OutboxMessage,
    WebhookCursor,
    WebhookDelivery,
    WebhookEndpoint,
)

__all__ = [
    "ActorKind",
    "Campaign",
    "CampaignEvent",
    "Coupon",
    "CouponEvent",
    "CouponLife",
    "CouponState",
    "DeliveryState",
    "EventKind",
    "ExactField",
    "ExpiryCursor",
    "GivenUp",
    "IdempotentCall",
    "Job",
    "JobLine",
    "JobState",
    "Merchant",
    "MerchantKey",
    "OutboxMessage",
    "Returned",
    "Scope",
    "Slot",
    "Tally",
    "Verb",
    "WaitlistEntry",
    "WaitlistState",
    "WebhookCursor",
    "WebhookDelivery",
    "WebhookEndpoint",
]
