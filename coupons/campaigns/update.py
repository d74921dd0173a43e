"""The frame of a change to a campaign: its row locked, checked, noted, copied to Redis, committed.

MySQL owns the definition; Redis gets its copy before the change commits. Where a crash parts the
two, making the change again mends it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coupons.audit import log
from coupons.campaigns import snapshot
from coupons.campaigns.signals import campaign_changed
from coupons.claims import holder_filter
from coupons.database import availability
from coupons.errors import (
    ForeignKeys,
    IllegalTransition,
    NotInstalled,
    StockBelowAdmitted,
    UnknownCampaign,
)
from coupons.models import Campaign
from coupons.store import Definition, store

State = Campaign.State


@contextmanager
def updating_campaign(
    slug: str, actor: str, verb: str, allowed: set[str] | frozenset[str], *, note: str = ""
) -> Iterator[Campaign]:
    """One change under the campaign's row lock: checked, noted, copied to Redis, committed."""
    with availability.require_database(), transaction.atomic():
        campaign = Campaign.objects.select_for_update().filter(slug=slug).first()
        if campaign is None:
            raise UnknownCampaign(_("There is no campaign {!r}.").format(slug))
        if campaign.state not in allowed:
            raise IllegalTransition(_not_now(campaign, verb))
        first, before = campaign.state == State.DRAFT, copy(campaign)
        yield campaign
        _check(campaign, None if first else before)
        campaign.save()
        log.record_event(campaign, actor, verb, note)
        if campaign.strategy == Campaign.Strategy.QUEUED:
            _install(campaign, first=first)
    campaign_changed.send(sender=None)


def _check(campaign: Campaign, before: Campaign | None) -> None:
    """Raises ValidationError. A campaign that is public already may have faults of a time when its
    bounds were not checked, and must be paused or closed all the same: a change answers for what it
    made wrong itself."""
    made = _faults(campaign)
    if made and before is not None:
        made -= _faults(before)
    if made:
        raise ValidationError(
            {name: [each for of, each in made if of == name] for name, _text in made}
        )


def _faults(campaign: Campaign) -> set[tuple[str, str]]:
    try:
        campaign.full_clean()
    except ValidationError as error:
        return {(name, text) for name, texts in error.message_dict.items() for text in texts}
    return set()


def lock_campaign(slug: str) -> Campaign:
    """The row, as `in_redis` gives it, locked until the transaction ends: batches being stored come
    first, and no other change comes in between."""
    return _lives_in_redis(Campaign.objects.select_for_update().filter(slug=slug).first(), slug)


def queued_campaign(slug: str) -> Campaign:
    """The row of a campaign that Redis decides about. Raises UnknownCampaign, IllegalTransition."""
    with availability.require_database():
        campaign = Campaign.objects.filter(slug=slug).first()
    return _lives_in_redis(campaign, slug)


def _lives_in_redis(campaign: Campaign | None, slug: str) -> Campaign:
    if campaign is None:
        raise UnknownCampaign(_("There is no campaign {!r}.").format(slug))
    if campaign.state == State.DRAFT:
        raise IllegalTransition(
            _("{} is a draft: Redis knows a campaign once it is scheduled.").format(slug)
        )
    if campaign.strategy != Campaign.Strategy.QUEUED:
        raise IllegalTransition(
            _("{} is a direct campaign: MySQL decides about it, Redis knows nothing of it.").format(
                slug
            )
        )
    return campaign


def _install(campaign: Campaign, *, first: bool) -> None:
    said, given = store().install(campaign.slug, redis_definition(campaign), create=first)
    if said == "stock_below_admitted":
        raise StockBelowAdmitted(below_admitted_text(campaign.slug, campaign.stock, given))
    if said == "not_installed":
        raise NotInstalled(
            _("Redis has lost {!r}; rebuild it from the database first.").format(campaign.slug)
        )
    if said == "foreign":
        raise ForeignKeys(
            _("Redis holds keys of another campaign called {!r}.").format(campaign.slug)
        )

    if first:  # in a Redis without memories there is nothing to compare
        store().mark_server_verified(store().current_server().identity, unless_known=True)


def redis_definition(campaign: Campaign) -> Definition:
    """What Redis should hold of it."""
    known = snapshot.snapshot_of(campaign)
    return Definition(
        epoch=campaign.epoch,
        stock=campaign.stock,
        opens_ms=known.opens_ms,
        closes_ms=known.closes_ms,
        paused=campaign.state == State.PAUSED,
        longest=settings.LONGEST_QUEUE,
        facts=snapshot.serialise_snapshot(known),
        filter_bits=holder_filter.bit_count(campaign.filter_blocks),
    )


def below_admitted_text(slug: str, stock: int, given: int) -> str:
    sentence = _("{slug} has admitted {given} claims already: its stock can't become {stock}.")
    return sentence.format(slug=slug, given=given, stock=stock)


def _not_now(campaign: Campaign, verb: str) -> str:
    told = {"slug": campaign.slug, "state": campaign.get_state_display(), "verb": _(verb)}
    if verb.startswith("stock"):
        return _("{slug} is {state}: its stock can't change.").format(**told)
    return _("{slug} is {state}: it can't be {verb}.").format(**told)
