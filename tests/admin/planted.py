"""Rows of every kind that an admin page shows, with a text of a stranger in each text field."""

import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.merchants import api_keys
from coupons.models import (
    ApprovalRequest,
    Campaign,
    CampaignEvent,
    Coupon,
    CouponEvent,
    GivenUp,
    Merchant,
    OutboxMessage,
    Undoable,
    WaitlistEntry,
    WebhookDelivery,
    WebhookEndpoint,
)
from coupons.store import store
from coupons.webhooks import endpoints


@dataclass(frozen=True, slots=True)
class Planted:
    """The paths below /admin/coupons/ that show a row of each kind."""

    paths: tuple[str, ...]


def _plant_operations(owner: Campaign, text: str) -> ApprovalRequest:
    """A pause that can be undone, and a request that waits for a second person."""
    now = timezone.now()
    Undoable.objects.create(
        campaign=owner, verb="stock", actor=text, at=now, undone_by=text,
        data={"before": 1, "after": 2, "changes": 0},
    )  # fmt: skip
    return ApprovalRequest.objects.create(
        campaign=owner, verb="close", reason=text, asked_by=text, decided_by=text, decision=text,
        forecast={"verb": "close", "slug": text, "refusal": text}, asked_at=now,
        expires_at=now + timedelta(hours=1),
    )  # fmt: skip


def plant_rows(campaign: CampaignSnapshot, coupon: Coupon, text: str, *, user: str) -> Planted:
    """`text` in every field, `user` where a user's id belongs."""
    now, owner = timezone.now(), Campaign.objects.get(pk=campaign.id)
    Campaign.objects.update(name=text, audience=text)
    Coupon.objects.filter(pk=coupon.pk).update(user=user, request_id=text)
    CampaignEvent.objects.create(
        campaign=owner, actor=text, kind="claim_given_up",
        data={"place": text, "user": user, "why": text},
    )  # fmt: skip
    CampaignEvent.objects.create(campaign=owner, actor=text, kind="overridden",
                                 data={"reason": text})  # fmt: skip
    GivenUp.objects.create(
        campaign=owner, place=9, user=user, nth=1, admitted_ms=1, reason=text, entry="1-1",
        why=text, actor=text,
    )  # fmt: skip
    _plant_life(coupon, text, user)
    asked = _plant_operations(owner, text)
    waits = WaitlistEntry.objects.create(
        campaign=owner, user=user, number=1, asked_at=now, state="skipped", reason=text
    )
    client: Any = store().client
    client.xadd(f"coupon:{{{campaign.slug}}}:parked", {
        "p": text, "u": user, "n": text, "t": text, "reason": text, "entry": text,
    })  # fmt: skip
    c = "/admin/coupons/"
    return Planted((
        f"{c}approvalrequest/", f"{c}approvalrequest/{asked.pk}/change/",
        f"{c}campaign/", f"{c}campaign/{owner.pk}/change/", f"{c}campaign/{owner.pk}/parked/",
        f"{c}campaign/{owner.pk}/readiness/", f"{c}coupon/", f"{c}coupon/{coupon.pk}/change/",
        f"{c}waitlistentry/", f"{c}waitlistentry/{waits.pk}/change/", *_plant_shop(text, user),
    ))  # fmt: skip


def _plant_life(coupon: Coupon, text: str, user: str) -> None:
    for version, kind, actor in ((1, "user", user), (2, "operator", text)):
        CouponEvent.objects.create(
            coupon=coupon, version=version, at=timezone.now(), verb="reserve", before="issued",
            after="held", actor_kind=kind, actor=actor, order_ref=text, reason=text,
        )  # fmt: skip


def _plant_shop(text: str, user: str) -> list[str]:
    shop = Merchant.objects.create(slug="shop", name=text)
    key, _secret = api_keys.make_key(shop, name="till", scopes=["read"], days=None)
    type(key).objects.update(name=text)
    hook = endpoints.create_endpoint(shop.pk, url="https://shop.example/hook", types=[])
    WebhookEndpoint.objects.update(
        url=f"https://shop.example/{text}", types=[text], is_enabled=False, disabled_reason=text
    )
    message = OutboxMessage.objects.create(
        message_id=uuid.uuid4(), merchant=shop, type=text, at=timezone.now(),
        body=json.loads(json.dumps({"user": user, "text": text})),
    )  # fmt: skip
    sent = WebhookDelivery.objects.create(
        message=message, endpoint=hook, due_at=timezone.now(), last_error=text,
        answer=text.encode(),
    )  # fmt: skip
    c = "/admin/coupons/"
    return [
        f"{c}merchant/", f"{c}merchant/{shop.pk}/change/", f"{c}merchantkey/",
        f"{c}merchantkey/{key.pk}/change/", f"{c}webhookendpoint/",
        f"{c}webhookendpoint/{hook.pk}/change/", f"{c}webhookdelivery/",
        f"{c}webhookdelivery/{sent.pk}/change/",
    ]  # fmt: skip
