"""The transaction of a change to a campaign: lock its row, check, record, copy to Redis, commit.

MySQL owns the definition; Redis gets its copy before the change commits. If a crash in between
leaves them different, making the change again repairs it.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons import dry_run
from coupons.audit import log
from coupons.campaigns import snapshot
from coupons.campaigns.definition import ANY, Conditions, demand_version
from coupons.campaigns.signals import campaign_changed
from coupons.claims import holder_filter
from coupons.claims.timestamps import iso_text
from coupons.database import availability
from coupons.errors import (
    ForeignKeys,
    IllegalTransition,
    NotInstalled,
    StockBelowAdmitted,
    UnknownCampaign,
)
from coupons.models import Campaign, EventKind
from coupons.store import Definition, store
from coupons.webhooks import campaign_events

State = Campaign.State
MOMENTS = ("announced_at", "opens_at", "closes_at")


@contextmanager
def updating_campaign(
    slug: str,
    actor: str,
    kind: EventKind,
    allowed: set[str] | frozenset[str],
    *,
    conditions: Conditions = ANY,
    last_ms: int | None = None,
    **data: Any,
) -> Iterator[Campaign]:
    """One change under the campaign's row lock: yields the row to modify, then checks it, records
    an event of this kind with this data, copies it to Redis and commits. `allowed`: the states it
    may be in. A rehearsal is a dry run of the same, whose rows are rolled back; `last_ms`: see
    `Definition`.

    Raises UnknownCampaign, VersionChanged, IllegalTransition, ValidationError, StockBelowAdmitted,
    NotInstalled, ForeignKeys, StoreAway, StoreError, DatabaseAway; then nothing was committed.
    """
    with ExitStack() as frame:
        if conditions.is_rehearsal:
            frame.enter_context(dry_run.dry_run())
        frame.enter_context(availability.require_database())
        frame.enter_context(transaction.atomic())
        campaign = Campaign.objects.select_for_update().filter(slug=slug).first()
        if campaign is None:
            raise UnknownCampaign(_("There is no campaign {!r}.").format(slug))
        demand_version(campaign, conditions)
        if campaign.state not in allowed:
            raise IllegalTransition(_not_now(campaign, kind))
        settle_grants(campaign)
        is_first, before = campaign.state == State.DRAFT, copy(campaign)
        yield campaign
        campaign.held = campaign.held and campaign.state == State.PAUSED
        _check(campaign, None if is_first else before)
        campaign.save()
        log.record_event(campaign, actor, kind, **(data | _change_data(kind, before, campaign)))
        campaign_events.tell_state(campaign, before.state)
        if campaign.strategy == Campaign.Strategy.QUEUED:
            _install(campaign, is_first=is_first, last_ms=last_ms)
        if conditions.is_rehearsal:
            transaction.set_rollback(True)
    if not conditions.is_rehearsal:
        campaign_changed.send(sender=None)


def _change_data(kind: EventKind, before: Campaign, after: Campaign) -> dict[str, Any]:
    """What became of the stock or of the window, by the kinds whose lines show it; empty: it is as
    it was."""
    if kind is EventKind.RESCHEDULED:
        return moved_moments(before, after)
    if kind not in (EventKind.STOCK_SET, EventKind.UNDONE) or before.stock == after.stock:
        return {}
    return {"was": before.stock, "stock": after.stock}


def moved_moments(before: Campaign, after: Campaign) -> dict[str, Any]:
    """The data of `RESCHEDULED`: each moment that was moved, from where and to where."""
    moments = {name: [_iso(before, name), _iso(after, name)] for name in MOMENTS}
    moved = {name: both for name, both in moments.items() if both[0] != both[1]}
    return {"moved": moved} if moved else {}


def _iso(campaign: Campaign, name: str) -> str | None:
    at = getattr(campaign, name)
    return None if at is None else iso_text(at)


def settle_grants(campaign: Campaign) -> int:
    """Count in the row (which the caller has locked, and saves) the units that `grant.lua` has
    raised and MySQL does not know of, because their process died before its commit. Returns how
    many. Raises StoreAway, StoreError."""
    if campaign.state == State.DRAFT or campaign.strategy != Campaign.Strategy.QUEUED:
        return 0
    return count_granted(campaign, store().grants.granted_units(campaign.slug) or 0)


def count_granted(campaign: Campaign, granted: int) -> int:
    """As `settle_grants`, with the gate's count."""
    new = max(0, granted - campaign.granted)
    campaign.stock += new
    campaign.granted += new
    return new


def copy_definition(slug: str) -> None:
    """Copy the definition to Redis once more, as after a change that committed first. Raises
    UnknownCampaign, StockBelowAdmitted, NotInstalled, ForeignKeys, StoreAway, DatabaseAway."""
    with availability.require_database(), transaction.atomic():
        campaign = Campaign.objects.select_for_update().filter(slug=slug).first()
        if campaign is None:
            raise UnknownCampaign(_("There is no campaign {!r}.").format(slug))
        if settle_grants(campaign):
            campaign.save(update_fields=["stock", "granted"])
        if campaign.strategy == Campaign.Strategy.QUEUED:
            _install(campaign, is_first=False)
    campaign_changed.send(sender=None)


def _check(campaign: Campaign, before: Campaign | None) -> None:
    """Raises ValidationError for faults that this change has made. A public campaign may have older
    faults, from before its bounds were checked; it must be possible to pause or close it all the
    same."""
    added = _faults(campaign)
    if added and before is not None:
        added -= _faults(before)
    if added:
        raise ValidationError(
            {name: [text for field, text in added if field == name] for name, _text in added}
        )


def _faults(campaign: Campaign) -> set[tuple[str, str]]:
    try:
        campaign.full_clean()
    except ValidationError as error:
        return {(name, text) for name, texts in error.message_dict.items() for text in texts}
    return set()


def lock_campaign(slug: str) -> Campaign:
    """As `queued_campaign`, with the row locked until the transaction ends: waits for batches being
    stored, and no other change comes in between."""
    return _demand_queued(Campaign.objects.select_for_update().filter(slug=slug).first(), slug)


def queued_campaign(slug: str) -> Campaign:
    """The row of a public campaign of strategy `queued`. Raises UnknownCampaign, IllegalTransition,
    DatabaseAway."""
    with availability.require_database():
        campaign = Campaign.objects.filter(slug=slug).first()
    return _demand_queued(campaign, slug)


def _demand_queued(campaign: Campaign | None, slug: str) -> Campaign:
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


def _install(campaign: Campaign, *, is_first: bool, last_ms: int | None = None) -> None:
    definition = replace(redis_definition(campaign), last_ms=last_ms)
    outcome, given = store().campaigns.install_gate(campaign.slug, definition, create=is_first)
    if outcome == "stock_below_admitted":
        raise StockBelowAdmitted(below_admitted_text(campaign.slug, campaign.stock, given))
    if outcome == "not_installed":
        raise NotInstalled(
            _("Redis has lost {!r}; rebuild it from the database first.").format(campaign.slug)
        )
    if outcome == "foreign":
        raise ForeignKeys(
            _("Redis holds keys of another campaign called {!r}.").format(campaign.slug)
        )

    if is_first:  # a new Redis without any data needs no comparison with MySQL
        store().server.mark_verified(store().server.read_identity().identity, unless_known=True)


def redis_definition(campaign: Campaign) -> Definition:
    """The campaign's definition as Redis should have it."""
    frozen = snapshot.snapshot_of(campaign)
    return Definition(
        epoch=campaign.epoch,
        stock=campaign.stock,
        opens_ms=frozen.opens_ms,
        closes_ms=frozen.closes_ms,
        paused=campaign.state == State.PAUSED,
        longest=settings.LONGEST_QUEUE,
        facts=snapshot.serialise_snapshot(frozen),
        filter_bits=holder_filter.bit_count(campaign.filter_blocks),
        granted=campaign.granted,
    )


def below_admitted_text(slug: str, stock: int, given: int) -> str:
    sentence = ngettext(
        "{slug} has admitted {given} claim already: its stock can't become {stock}.",
        "{slug} has admitted {given} claims already: its stock can't become {stock}.",
        given,
    )
    return sentence.format(slug=slug, given=given, stock=stock)


def _not_now(campaign: Campaign, kind: EventKind) -> str:
    values = {"slug": campaign.slug, "state": campaign.get_state_display(), "verb": kind.label}
    if kind is EventKind.STOCK_SET:
        return _("{slug} is {state}: its stock can't change.").format(**values)
    return _("{slug} is {state}: it can't be {verb}.").format(**values)
