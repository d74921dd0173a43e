"""Renewing many campaigns at once, as after a restart of Redis in which hardly anything was lost.

Each step of `rebuild.renew` is done for all of them together: one transaction, two pipelines. That
is for campaigns of which this Redis knows all that MySQL knows; the others need claimants written,
one campaign after the other. A campaign that fails in one of the steps is left out of the next
ones: closed, if it got so far.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Max

from coupons.audit import log
from coupons.broker import wakeups
from coupons.campaigns import update
from coupons.campaigns.isolation import isolate_campaign, successful_answers
from coupons.campaigns.signals import campaign_changed
from coupons.claims import holder_filter
from coupons.database import availability
from coupons.models import Campaign, Coupon, Tally
from coupons.observability.metrics import Work
from coupons.recovery import rebuild
from coupons.store import store
from coupons.store.recovery import Closed

TOGETHER = 200  # campaigns: their rows are locked meanwhile, and Redis is busy for milliseconds


@dataclass(slots=True)
class Renewed:
    """What became of those asked for, besides being open: `left` are for `rebuild.renew`, also
    those that failed; of `overtaken` somebody else has begun a repair meanwhile, which may come to
    nothing."""

    left: list[str] = field(default_factory=list)
    overtaken: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Closed:
    """A campaign that is closed for repair now, and up to which place the gate knows of it."""

    campaign: Campaign
    gate: Closed


def renew_campaigns(slugs: Sequence[str], *, actor: str) -> Renewed:
    """Renew what can be renewed together.

    Dying anywhere leaves campaigns closed, and the next one begins again. Raises StoreAway,
    DatabaseAway.
    """
    server, renewed = store().current_server().identity, Renewed()
    for start in range(0, len(slugs), TOGETHER):
        _renew(slugs[start : start + TOGETHER], server, actor, renewed)
    campaign_changed.send(sender=None)
    return renewed


def _renew(slugs: Sequence[str], server: str, actor: str, renewed: Renewed) -> None:
    closed, done = _close(slugs, server)
    highest = _highest([each.campaign for each in closed])
    whole = [each for each in closed if _is_whole(each.gate, highest[each.campaign.pk])]
    said = _open(whole, highest, server)
    opened = {slug: waiting for slug, (is_open, _, waiting) in said.items() if is_open}
    with availability.require_database():
        noted = [each.campaign for each in whole if each.campaign.slug in opened]
        log.record_events(noted, actor, "checked")
    wakeups.notify_drains([slug for slug, waiting in opened.items() if waiting])
    renewed.left += sorted(set(slugs) - said.keys() - done)
    renewed.overtaken += sorted(slug for slug, (is_open, _, _) in said.items() if not is_open)


def _close(slugs: Sequence[str], server: str) -> tuple[list[_Closed], set[str]]:
    """As `rebuild` closes one, under the rows' locks. Rows that another transaction has locked are
    left out: one that holds its lock for long would keep all others closed. Those that somebody
    else has renewed for this server stay open."""
    with availability.require_database(), transaction.atomic():
        free = Campaign.objects.select_for_update(skip_locked=True)
        rows = list(free.filter(slug__in=slugs).order_by("pk"))
        marks = successful_answers(store().gate_marks([row.slug for row in rows]), Work.FENCE)
        rows = [row for row in rows if row.slug in marks]
        done = {row.slug for row in rows if marks[row.slug].opened == (row.epoch, server)}
        rows = [row for row in rows if rebuild.is_ours(row, marks[row.slug])]
        rows = [row for row in rows if row.slug not in done]
        for row in rows:
            row.epoch = rebuild.next_epoch([row.epoch, *marks[row.slug].epochs])
        asked = [(row.slug, row.epoch, holder_filter.bit_count(row.filter_blocks)) for row in rows]
        gates = successful_answers(store().close_each(asked), Work.FENCE)
        Campaign.objects.bulk_update(rows, ["epoch"])
    return [_Closed(row, gates[row.slug]) for row in rows if row.slug in gates], done


def _highest(campaigns: Sequence[Campaign]) -> dict[int, "_Known"]:
    ids = [campaign.pk for campaign in campaigns]
    with availability.require_database():
        coupons = Coupon.objects.filter(campaign__in=ids).order_by()
        stored = dict(coupons.values_list("campaign").annotate(Max("place")))
        noted = dict(Tally.objects.filter(campaign__in=ids).values_list("campaign", "highest"))
    return {each: _Known(stored.get(each, 0), noted.get(each, 0)) for each in ids}


@dataclass(frozen=True, slots=True)
class _Known:
    """The highest place that MySQL knows: of a coupon, and of any claim."""

    stored: int
    noted: int


def _is_whole(gate: Closed, known: _Known) -> bool:
    """Whether there is no claimant to be written. Of a gate that begins anew there may be."""
    if not gate.whole or gate.given is None:
        return False
    return known.stored <= gate.given and (gate.given > 0 or known.noted == 0)


def _open(
    closed: Sequence[_Closed], highest: dict[int, _Known], server: str
) -> dict[str, tuple[bool, int, int]]:
    """As `store().open_each` says, without those that failed."""
    asked = []
    with availability.require_database(), transaction.atomic():  # one flush for all
        for each in closed:
            campaign, known = each.campaign, highest[each.campaign.pk]
            given = max(known.noted, each.gate.given or 0)
            if given > known.noted:
                rebuild.raise_highest(campaign.pk, given)
            with isolate_campaign(campaign.slug, Work.FENCE):
                asked.append((campaign.slug, update.redis_definition(campaign), given))
    return successful_answers(store().open_each(asked, server=server), Work.FENCE)
