"""Grants: give named users a place and raise the stock by as much, whatever window and pause say.

Grants, claims and the waitlist share one sequence of places, one queue and one drain. So a grant is
rebuilt, reconciled and proved by a receipt as any other claim.

    1  slots, in MySQL                     committed: what is granted next can be stored
    2  places and stock, in Redis          one step for each user (`grant.lua`), one pipeline
    3  stock, in MySQL                     committed in the transaction around 2

A crash between 2 and 3 leaves units that only Redis counts (the gate's `granted`). Nothing is lost
or left to others by that: whatever writes the definition adds them (`install.lua`, `open.lua`), and
the next change, rebuild, grant or sweep counts them in MySQL (`update.settle_grants`). So step 3
may be late, and a unit raised for a grant is never open to the public.
"""

from collections import Counter
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from coupons.audit import log
from coupons.audit.actors import Actor
from coupons.broker import wakeups
from coupons.campaigns import deciding_clock, slots, snapshot, update
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import queue_macs
from coupons.claims.limits import MAX_USER_BYTES
from coupons.claims.timestamps import milliseconds_of
from coupons.database import availability
from coupons.errors import IllegalTransition, NotInstalled, Overtaken, UnknownCampaign
from coupons.grants import direct_grants
from coupons.grants.verdicts import Granted, Refusal, Verdict
from coupons.models import Campaign, EventKind, Tally
from coupons.observability import grant_metrics
from coupons.store import Given, Grantee, store

MOST_AT_ONCE = 500  # users under one row lock, which drains wait for
for _verdict in Verdict:  # 0 is exported before the first: Prometheus sees no increase otherwise
    grant_metrics.GRANTS.labels(_verdict.value)
_TRIES = 5  # each is spoiled only by another change of the stock between two transactions


def grant_places(
    slug: str, grantees: Sequence[Grantee], *, actor: Actor, record: bool = True
) -> list[Granted]:
    """Grant each user (at most MOST_AT_ONCE) a place; one verdict each, in their order.

    Must not be called in a transaction: the slots are committed before Redis gives their places.
    Idempotent by (user, nth). `record`: write it into the campaign's history. Raises
    UnknownCampaign, IllegalTransition (a draft), NotInstalled, ServerChanged, OutcomeUnknown,
    StoreAway, StoreError, DatabaseAway, Refused: asking again is safe.
    """
    if len(grantees) > MOST_AT_ONCE:
        raise ValueError(f"at most {MOST_AT_ONCE} at once, not {len(grantees)}")
    campaign = _granting_campaign(Campaign.objects.filter(slug=slug))
    refusals = [_refusal(campaign, grantee) for grantee in grantees]
    wanted = [one for one, refused in zip(grantees, refusals, strict=True) if refused is None]
    granted = _grant_wanted(slug, wanted, actor.name if record else None) if wanted else []
    done = iter(granted)
    verdicts = [
        next(done) if refused is None else _refused(grantee, refused)
        for grantee, refused in zip(grantees, refusals, strict=True)
    ]
    for verdict, count in Counter(one.verdict for one in verdicts).items():
        grant_metrics.GRANTS.labels(verdict.value).inc(count)
    return verdicts


def _granting_campaign(rows: QuerySet[Campaign]) -> Campaign:
    with availability.require_database():
        campaign = rows.first()
    if campaign is None:
        raise UnknownCampaign
    if campaign.state == Campaign.State.DRAFT:
        raise IllegalTransition(_("{} is a draft: it has no places yet.").format(campaign.slug))
    return campaign


def _refusal(campaign: Campaign, grantee: Grantee) -> Refusal | None:
    if not 0 < _length(grantee.user) <= MAX_USER_BYTES:
        return Refusal.BAD_USER
    if not 1 <= grantee.nth <= campaign.per_user:
        return Refusal.BAD_NTH
    return None


def _length(user: str) -> int:
    """In bytes; 0 for text that can't be encoded (half of a surrogate pair)."""
    try:
        return len(user.encode())
    except UnicodeEncodeError:
        return 0


def _refused(grantee: Grantee, reason: Refusal) -> Granted:
    return Granted(grantee.user, grantee.nth, Verdict.REFUSED, reason=reason)


def _grant_wanted(slug: str, wanted: Sequence[Grantee], actor: str | None) -> list[Granted]:
    for _try in range(_TRIES):
        try:
            _make_slots(slug, len(wanted))
        except ValidationError:
            return [_refused(grantee, Refusal.STOCK_LIMIT) for grantee in wanted]
        with availability.require_database(), transaction.atomic(durable=True):
            campaign = _lock_campaign(slug)
            update.settle_grants(campaign)
            if not slots.has_slots(campaign, campaign.stock + len(wanted)):
                continue
            granted = _grant_locked(campaign, wanted)
            _save(campaign, granted, actor)
        if campaign.slots_to_keep is not None:
            slots.remove_surplus_slots(slug)
        return granted
    raise Overtaken(_("{}: its stock is being changed. Please do it again.").format(slug))


def _lock_campaign(slug: str) -> Campaign:
    """With its tally if it is direct, and that first: claims lock them in this order."""
    direct = Campaign.objects.filter(slug=slug, strategy=Campaign.Strategy.DIRECT)
    for campaign_id in direct.values_list("pk", flat=True):
        Tally.objects.select_for_update().get(campaign_id=campaign_id)
    return _granting_campaign(Campaign.objects.select_for_update().filter(slug=slug))


def _make_slots(slug: str, count: int) -> None:
    with availability.require_database(), transaction.atomic(durable=True):
        campaign = _granting_campaign(Campaign.objects.select_for_update().filter(slug=slug))
        if update.settle_grants(campaign):
            campaign.save(update_fields=["stock", "granted"])
        slots.make_slots_above(campaign, count)


def _grant_locked(campaign: Campaign, wanted: Sequence[Grantee]) -> list[Granted]:
    known = snapshot.snapshot_of(campaign)
    now_ms = milliseconds_of(deciding_clock.deciding_now(campaign.strategy))
    if known.expires_ms(now_ms) <= now_ms:
        return [_refused(grantee, Refusal.NO_TIME_LEFT) for grantee in wanted]
    if campaign.strategy == Campaign.Strategy.DIRECT:
        return direct_grants.grant_in_mysql(known, wanted)
    given = store().grants.grant(
        campaign.slug,
        [_signed(known, grantee) for grantee in wanted],
        per_user=campaign.per_user,
        filter_blocks=campaign.filter_blocks,
    )
    if any(one.outcome == "not_installed" for one in given):
        raise NotInstalled(
            f"The campaign {campaign.slug!r} is closed for repair. Please try again."
        )
    if any(one.wake_drain for one in given) and not wakeups.notify_drain(campaign.slug):
        store().wakeups.shorten_lost(campaign.slug)
    return [_granted(*pair) for pair in zip(wanted, given, strict=True)]


def _signed(campaign: CampaignSnapshot, grantee: Grantee) -> Grantee:
    user, nth, request, _ = grantee
    return grantee._replace(mac=queue_macs.sign_claim(campaign.key, user, nth, request))


_VERDICTS = {
    "granted": Verdict.GRANTED,
    "already_claimed": Verdict.HAS_PLACE,
    "queue_full": Verdict.LATER,
}


def _granted(grantee: Grantee, given: Given) -> Granted:
    verdict = _VERDICTS[given.outcome]
    at_ms = given.at_ms if given.place else 0
    return Granted(grantee.user, grantee.nth, verdict, given.place, at_ms)


def _save(campaign: Campaign, granted: Sequence[Granted], actor: str | None) -> None:
    """Count the new units, and record the highest place: a rebuild numbers above it."""
    new = [one.place for one in granted if one.verdict is Verdict.GRANTED]
    campaign.stock += len(new)
    campaign.granted += len(new)
    if slots.highest_slot(campaign) > campaign.stock:
        campaign.slots_to_keep = campaign.stock
    campaign.save(update_fields=["stock", "granted", "slots_to_keep"])
    if new:
        highest = Greatest("highest", max(new))
        Tally.objects.filter(campaign_id=campaign.pk).update(highest=highest)
    if new and actor is not None:
        log.record_event(campaign, actor, EventKind.GRANTED, count=len(new))
