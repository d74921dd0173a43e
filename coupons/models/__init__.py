"""The tables in MySQL: campaigns, slots, coupons and their life, merchants, webhooks. They are
authoritative over Redis."""

from coupons.models.attempts import RefusalBucket, RefusalTotal
from coupons.models.audit import Act, AuditActor, AuditEvent, AuditIsKept
from coupons.models.campaign import Campaign
from coupons.models.coupon import Coupon, GivenUp
from coupons.models.demand import CampaignDemand
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
from coupons.models.notification import (
    Notification,
    NotificationChannel,
    NotificationKind,
    NotificationState,
)
from coupons.models.operations import (
    ApprovalRequest,
    RequestState,
    Undoable,
    UndoableVerb,
    VoidReason,
)
from coupons.models.proof import CampaignProof
from coupons.models.rehearsal import Rehearsal
from coupons.models.report import ProofReport
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
    "Act",
    "ActorKind",
    "ApprovalRequest",
    "AuditActor",
    "AuditEvent",
    "AuditIsKept",
    "Campaign",
    "CampaignDemand",
    "CampaignEvent",
    "CampaignProof",
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
    "Notification",
    "NotificationChannel",
    "NotificationKind",
    "NotificationState",
    "OutboxMessage",
    "ProofReport",
    "RefusalBucket",
    "RefusalTotal",
    "Rehearsal",
    "RequestState",
    "Returned",
    "Scope",
    "Slot",
    "Tally",
    "Undoable",
    "UndoableVerb",
    "Verb",
    "VoidReason",
    "WaitlistEntry",
    "WaitlistState",
    "WebhookCursor",
    "WebhookDelivery",
    "WebhookEndpoint",
]
