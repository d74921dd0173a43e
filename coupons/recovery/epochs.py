"""Epochs: the fencing token of a campaign. The gate in Redis and the row in MySQL each hold one,
and a drain stores claims only while both are the same.

An epoch is `birth.count`. The birth is the campaign's own, so that a gate which another database
left under the same name is not taken for ours; the count goes up with each rebuild.
"""

import re
from collections.abc import Iterable

from coupons.campaigns import lifecycle
from coupons.database import availability
from coupons.models import Campaign
from coupons.store import ByCampaign, Marks, store


def next_epoch(epochs: Iterable[str]) -> str:
    """An epoch that neither store has had: Redis may be ahead of a restored MySQL. The first of
    `epochs` is the campaign's own."""
    own, *_ = epochs = list(epochs)
    counts = [_count(epoch) for epoch in epochs if _birth(epoch) == _birth(own)]
    return f"{_birth(own)}.{max(counts) + 1}"


def is_ours(campaign: Campaign, marks: Marks) -> bool:
    """Whether this gate was opened or closed for this campaign, not another of the same slug."""
    return _birth(campaign.epoch) in map(_birth, marks.epochs)


def closed_for_repair() -> list[str]:
    """Campaigns whose gate is not open under MySQL's epoch, also where the gate can't be read."""
    rows, marks = _all_marks()
    return [
        row.slug for row in rows if row.slug in marks.failed or marks[row.slug].epoch != row.epoch
    ]


def open_under_old_epoch() -> list[str]:
    """Slugs of campaigns whose gate is open under an outdated epoch: what they admit can't be
    stored."""
    return [
        row.slug
        for row, marks in _readable_marks()
        if marks.epoch not in ("", row.epoch) and is_ours(row, marks)
    ]


def automatic_repairs() -> dict[str, str]:
    """Slug → next epoch, for each campaign that an automatic repair has closed and not yet opened.
    A full rebuild (what Redis knows is in doubt) is started by a person only."""
    return {
        row.slug: marks.repair
        for row, marks in _readable_marks()
        if marks.repair and not marks.epoch and not marks.doubt and is_ours(row, marks)
    }


def _readable_marks() -> list[tuple[Campaign, Marks]]:
    """Without campaigns whose gate can't be read: reconcile reports those."""
    rows, marks = _all_marks()
    return [(row, marks[row.slug]) for row in rows if row.slug in marks]


def _all_marks() -> tuple[list[Campaign], ByCampaign[Marks]]:
    with availability.require_database():
        queued = Campaign.objects.filter(strategy=Campaign.Strategy.QUEUED)
        rows = list(queued.exclude(state=lifecycle.State.DRAFT))
    return rows, store().recovery.gate_marks([row.slug for row in rows])


def _birth(epoch: str) -> str:
    return epoch.partition(".")[0]


def _count(epoch: str) -> int:
    """0 for anything that no rebuild wrote."""
    count = epoch.partition(".")[2]
    return int(count) if re.fullmatch("[0-9]{1,9}", count) else 0
