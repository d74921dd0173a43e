"""The shadow campaign: made like its original, and removed without a trace."""

import secrets
import time
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import DO_NOTHING, Model

from coupons.campaigns import deciding_clock, lifecycle, slots
from coupons.campaigns.signals import campaign_changed
from coupons.campaigns.slots import Progress, no_progress
from coupons.claims.limits import slot_id
from coupons.claims.shadow_slugs import is_shadow_slug
from coupons.database import availability
from coupons.errors import Refused
from coupons.models import Campaign, Coupon
from coupons.store import store

ACTOR = "rehearsal"
LONGEST = timedelta(hours=2)  # a rehearsal that nobody ends is closed by the clock
# Web processes add their counts twice a second, a drain may be in the middle of a batch: after so
# long nothing of a removed campaign comes back.
SETTLE_S = 2.0
# What the shadow does not take from its original: identity, window, and whoever could see it.
_OWN = frozenset({
    "id", "slug", "name", "state", "stock", "opens_at", "closes_at", "announced_at", "is_listed",
    "valid_until", "valid_days", "merchant", "key_id", "epoch", "filter_blocks", "granted",
    "slots_to_keep", "held", "overridden", "created_at",
})  # fmt: skip


def make_shadow(
    original: Campaign, slug: str, *, stock: int, tell: Progress = no_progress
) -> Campaign:
    """A campaign with the strategy, limits, audience and terms of the original, open at once.

    Nobody sees it: it is in no list and has no page, no merchant owns it (so its coupons can't be
    quoted or redeemed, and no webhook tells of it), and its slug is random. Its opening lies in the
    past, so the guard does not judge it. Raises as `lifecycle.schedule_campaign`.
    """
    now = deciding_clock.deciding_now(original.strategy)
    names = (field.name for field in Campaign._meta.concrete_fields if field.name not in _OWN)
    shadow = Campaign(
        slug=slug,
        name=f"Rehearsal of {original.slug}",
        stock=stock,
        opens_at=now - timedelta(seconds=1),
        closes_at=now + LONGEST,
        is_listed=False,
        valid_days=original.valid_days or 1,
        **{name: getattr(original, name) for name in names},
    )
    lifecycle.save_draft(shadow, actor=ACTOR)
    return lifecycle.schedule_campaign(slug, actor=ACTOR, tell=tell)


def remove_shadow(slug: str) -> None:
    """Remove every row and key of a shadow campaign. Safe to repeat, also after a crash in the
    middle. Raises StoreAway, StoreError, DatabaseAway: then call it again later."""
    if not is_shadow_slug(slug):
        raise Refused(f"{slug!r} is no shadow campaign.")
    with availability.require_database():
        campaign = Campaign.objects.filter(slug=slug).first()
        if campaign is not None:
            _shut_out_writers(campaign)
            _remove_keys(slug)
            _remove_rows(campaign)
            campaign_changed.send(sender=None)
            time.sleep(SETTLE_S)
    _remove_keys(slug)


def _remove_keys(slug: str) -> None:
    store().campaigns.forget_campaign(slug)
    store().refusals.delete_refusals(slug)


def _shut_out_writers(campaign: Campaign) -> None:
    """Close it under a new epoch: a drain that has read claims before stores none of them."""
    Campaign.objects.filter(pk=campaign.pk).update(
        state=Campaign.State.CLOSED, epoch=secrets.token_hex(8)
    )


def _remove_rows(campaign: Campaign) -> None:
    last = max(slots.highest_slot(campaign), slots.highest_coupon(campaign))
    while last > 0:
        with transaction.atomic():
            _remove_coupons(campaign, max(0, last - slots.BATCH), last)
            last = slots.remove_batch(campaign, last, down_to=0)
    with transaction.atomic():
        for rows, name in _rows_that_name(Campaign):
            rows.filter(**{name: campaign.pk}).delete()
        campaign.delete()


def _remove_coupons(campaign: Campaign, above: int, upto: int) -> None:
    above_id, upto_id = slot_id(campaign.pk, above), slot_id(campaign.pk, upto)
    for rows, name in _rows_that_name(Coupon):
        rows.filter(**{f"{name}__gt": above_id, f"{name}__lte": upto_id}).delete()
    Coupon.objects.filter(pk__gt=above_id, pk__lte=upto_id).delete()


def _rows_that_name(model: type[Model]) -> list[tuple[Any, str]]:
    """The rows of every model with a foreign key to this one, also of models added later, and the
    key's name. Coupons are removed in batches; the audit log, whose key does nothing, stays."""
    relations: list[Any] = [
        field
        for field in model._meta.get_fields(include_hidden=True)
        if field.auto_created and not field.concrete and field.related_model is not Coupon
    ]
    return [
        (one.related_model._base_manager, one.field.attname)
        for one in relations
        if one.on_delete is not DO_NOTHING
    ]
