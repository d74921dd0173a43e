"""Every text field of the models, and rows with a text of a stranger in each."""

import json

from django.apps import apps
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from coupons.campaigns import lookup
from coupons.models import (
    AuditEvent,
    Coupon,
    CouponEvent,
    CouponLife,
    GivenUp,
    IdempotentCall,
    Job,
    JobLine,
    Rehearsal,
    WaitlistEntry,
    WebhookDelivery,
    WebhookEndpoint,
)
from tests.admin.planted import plant_rows
from tests.admin.text_probes import MARK
from tests.authorization.cast import SALE, World

# Every text field of the models: planted by `plant_texts`, or why nobody's text gets into it.
PLANTED = {
    "Merchant.name", "MerchantKey.name", "IdempotentCall.answer", "IdempotentCall.headers",
    "Campaign.name", "Campaign.audience", "Coupon.user", "Coupon.request_id", "GivenUp.user",
    "GivenUp.reason", "GivenUp.entry", "GivenUp.why", "GivenUp.actor", "CampaignEvent.actor",
    "CampaignEvent.data", "Job.actor", "Job.reason", "Job.options", "JobLine.data",
    "JobLine.detail", "CouponLife.order_ref", "CouponEvent.actor", "CouponEvent.order_ref",
    "CouponEvent.reason", "CouponEvent.request_id", "CouponEvent.data", "WaitlistEntry.user",
    "WaitlistEntry.reason", "OutboxMessage.type", "OutboxMessage.body", "WebhookEndpoint.url",
    "WebhookEndpoint.types", "WebhookEndpoint.disabled_reason", "WebhookDelivery.last_error",
    "WebhookDelivery.answer", "AuditEvent.actor", "AuditEvent.object_id", "AuditEvent.user",
    "AuditEvent.request_id", "AuditEvent.before", "AuditEvent.after", "AuditEvent.reason",
    "ApprovalRequest.reason", "ApprovalRequest.forecast",
    "ApprovalRequest.asked_by", "ApprovalRequest.decided_by", "ApprovalRequest.decision",
    "Undoable.actor", "Undoable.undone_by", "Rehearsal.actor",
}  # fmt: skip
MADE_BY_US = "made by the service, of no text that anybody gave"
NO_TEXT = {
    "Merchant.slug": "a-z, 0-9 and hyphens", "Campaign.slug": "a-z, 0-9 and hyphens",
    "Campaign.currency": "a code of ISO 4217", "Campaign.zone": "a known time zone",
    "MerchantKey.scopes": "known scopes", "MerchantKey.id": MADE_BY_US,
    "MerchantKey.prefix": MADE_BY_US, "MerchantKey.hashed_key": MADE_BY_US,
    "IdempotentCall.key": "compared, never shown", "IdempotentCall.fingerprint": MADE_BY_US,
    "Campaign.key_id": MADE_BY_US, "Campaign.epoch": MADE_BY_US, "Coupon.code": MADE_BY_US,
    "ApprovalRequest.data": MADE_BY_US, "ApprovalRequest.seen": MADE_BY_US,
    "Undoable.data": MADE_BY_US, "Job.actor_kind": MADE_BY_US, "JobLine.verdict": MADE_BY_US,
    "CampaignProof.holes": MADE_BY_US,
    "CampaignProof.nodes": MADE_BY_US, "CampaignProof.root": MADE_BY_US,
    "AuditEvent.verb": MADE_BY_US, "AuditEvent.object_kind": MADE_BY_US,
    "AuditEvent.address": MADE_BY_US, "CouponEvent.address": MADE_BY_US,
    "CampaignDemand.seconds": MADE_BY_US, "RefusalTotal.counts": MADE_BY_US,
    "RefusalBucket.entries": "packed, with a hash of the user and a checked request id",
    "ProofReport.figures": MADE_BY_US, "ProofReport.error": MADE_BY_US,
    "Rehearsal.shadow": MADE_BY_US, "Rehearsal.options": MADE_BY_US,
    "Rehearsal.light": MADE_BY_US, "Rehearsal.lines": MADE_BY_US,
    "Rehearsal.figures": MADE_BY_US, "Rehearsal.site": MADE_BY_US,
    "Notification.event": MADE_BY_US, "Notification.data": MADE_BY_US,
    "Notification.error": "in no page: for the log",
    "WebhookCursor.missing": MADE_BY_US, "WebhookEndpoint.key_id": MADE_BY_US,
}  # fmt: skip
_TEXTS = (models.CharField, models.TextField, models.JSONField, models.BinaryField)


def text_fields() -> dict[str, tuple[type[models.Model], str]]:
    return {
        f"{model.__name__}.{field.name}": (model, field.name)
        for model in apps.get_app_config("coupons").get_models()
        for field in model._meta.fields
        if isinstance(field, _TEXTS) and not field.choices
    }


def plant_texts(world: World, text: str) -> None:
    """Behind the entries: rows of an older release, or of somebody with a database."""
    snapshot = lookup.find_snapshot(SALE)
    coupon = Coupon.objects.get(user="mina")
    plant_rows(snapshot, coupon, text, user=text)
    books = IdempotentCall.objects.filter(merchant__slug="books")
    assert books.update(answer=json.dumps({"text": text}), headers={"X-Text": text})
    CouponLife.objects.update(order_ref=text)
    GivenUp.objects.update(entry=text)
    CouponEvent.objects.update(
        actor=text, reason=text, request_id=text, order_ref=text, data={"cause": text, text: text}
    )
    values = {"text": text, text: text}
    AuditEvent.objects.bulk_create([AuditEvent(
        actor_kind="operator", actor=text, verb="changed", object_kind="job", object_id=text[:150],
        user=text, request_id=text, before=values, after=values, reason=text,
    )])  # fmt: skip
    now = timezone.now()
    Rehearsal.objects.create(
        campaign_id=snapshot.id, shadow="rehearsal-" + "1" * 20, state="done", running=None,
        people=10, per_second=10, actor=text[:150], started_at=now, leased_until=now,
        finished_at=now, light="green", figures={}, site="", lines=[],
    )  # fmt: skip
    job = Job.objects.get(pk=world.known["job"])
    Job.objects.update(actor=text, reason=text, options={"reason": text, text: text})
    JobLine.objects.filter(job=job).update(
        data={"user": text}, detail={"user": text, text: text}, verdict="failed"
    )
    WebhookEndpoint.objects.update(url=text, types=[text], disabled_reason=text)
    endpoint = WebhookEndpoint.objects.get(pk=world.known["webhook"])
    delivery = WebhookDelivery.objects.filter(last_error=text).latest("pk")
    world.known.update({"entry": WaitlistEntry.objects.latest("pk").pk, "delivery": delivery.pk})
    WebhookDelivery.objects.exclude(pk=delivery.pk).filter(endpoint=endpoint).update(
        last_error=text, answer=text.encode(), last_at=timezone.now()
    )
    root = User.objects.get(username="root")
    root.first_name = root.last_name = text
    root.save()


def is_planted(name: str, text: str) -> bool:
    model, field = text_fields()[name]
    values = model.objects.values_list(field, flat=True)  # type: ignore[attr-defined]
    return any(
        MARK in (bytes(value).decode() if isinstance(value, bytes | memoryview) else str(value))
        for value in values
        if value is not None
    )
