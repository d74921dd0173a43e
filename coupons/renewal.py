"""Renewing many campaigns at once, as after a restart of Redis in which hardly anything was lost.

Each step of `rebuild.renew` is done for all of them together: one transaction, two pipelines. That
is for campaigns of which this Redis knows all that MySQL knows; the others need claimants written,
one campaign after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Max

from coupons import bell, change, database, events, exhausted, facts, keys, rebuild
from coupons.models import Campaign, Coupon, Tally
from coupons.store import store
from coupons.store.repair import Closed

TOGETHER = 200  # campaigns: their rows are locked meanwhile, and Redis is busy for milliseconds


@dataclass(slots=True)
class Renewed:
    """What became of those asked for, besides being open: `left` are for `rebuild.renew`, of
    `overtaken` somebody else has begun a repair meanwhile, which may come to nothing."""

    left: list[str] = field(default_factory=list)
    overtaken: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Closed:
    """A campaign that is closed for repair now, and up to which place the gate knows of it."""

    campaign: Campaign
    gate: Closed


def renew_each(slugs: Sequence[str], *, actor: str) -> Renewed:
    """Renew what can be renewed together.

    Dying anywhere leaves campaigns closed, and the next one begins again. Raises StoreAway,
    DatabaseAway.
    """
    server, renewed = store().server().identity, Renewed()
    for start in range(0, len(slugs), TOGETHER):
        _renew(slugs[start : start + TOGETHER], server, actor, renewed)
    facts.forget()
    exhausted.forget()
    return renewed


def _renew(slugs: Sequence[str], server: str, actor: str, renewed: Renewed) -> None:
    closed, done = _close(slugs, server)
    highest = _highest([each.campaign for each in closed])
    whole = [each for each in closed if _is_whole(each.gate, highest[each.campaign.pk])]
    opened = _open(whole, highest, server)
    with database.answering():
        events.note_each([campaign for campaign, _ in opened], actor, "checked")
    bell.ring_each([campaign.slug for campaign, waiting in opened if waiting])
    ours = {each.campaign.slug for each in whole}
    renewed.left += sorted(set(slugs) - ours - done)
    renewed.overtaken += sorted(ours - {campaign.slug for campaign, _ in opened})


def _close(slugs: Sequence[str], server: str) -> tuple[list[_Closed], set[str]]:
    """As `rebuild` closes one: under the rows' locks, always taken in the same order. Those that
    somebody else has renewed for this server, while we waited for the locks, stay open."""
    with database.answering(), transaction.atomic():
        rows = list(Campaign.objects.select_for_update().filter(slug__in=slugs).order_by("pk"))
        marks = store().marks([row.slug for row in rows])
        done = {row.slug for row in rows if marks[row.slug].opened == (row.epoch, server)}
        rows = [row for row in rows if rebuild.is_ours(row, marks[row.slug])]
        rows = [row for row in rows if row.slug not in done]
        for row in rows:
            row.epoch = rebuild.following([row.epoch, *marks[row.slug].epochs])
        gates = store().close_each(
            [(row.slug, row.epoch, keys.filter_bits(row.filter_blocks)) for row in rows]
        )
        Campaign.objects.bulk_update(rows, ["epoch"])
    return [_Closed(row, gate) for row, gate in zip(rows, gates, strict=True)], done


def _highest(campaigns: Sequence[Campaign]) -> dict[int, "_Known"]:
    ids = [campaign.pk for campaign in campaigns]
    with database.answering():
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
) -> list[tuple[Campaign, int]]:
    """Those that are open now, with claims waiting. (Of the others another repair has begun.)"""
    asked = []
    with database.answering(), transaction.atomic():  # one flush for all
        for each in closed:
            campaign, known = each.campaign, highest[each.campaign.pk]
            given = max(known.noted, each.gate.given or 0)
            if given > known.noted:
                rebuild.at_least(campaign.pk, given)
            asked.append((campaign.slug, change.definition(campaign), given))
    said = store().open_each(asked, server=server)
    return [
        (each.campaign, waiting)
        for each, (opened, _, waiting) in zip(closed, said, strict=True)
        if opened
    ]
