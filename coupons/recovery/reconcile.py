"""Reconcile: compare Redis (what was told) with MySQL (what is stored), report, and repair.

Two levels. The cheap one compares counts: places given = stored + waiting + parked + given up?
Redis is read first, so that a claim stored between the two reads is counted twice rather than not
at all: a gap that is found is real. The thorough one compares every place, in pages
(`consistency_scan`); it runs if the counts show a gap, or on request.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Count

from coupons.campaigns import deciding_clock, lifecycle, update
from coupons.campaigns.fault_isolation import isolate_campaign, successful_answers
from coupons.claims.values import Reason
from coupons.database import availability
from coupons.errors import StoreError
from coupons.models import Campaign, GivenUp, Tally
from coupons.observability import metrics
from coupons.observability.metrics import Gap, Work
from coupons.recovery import consistency_scan, epochs, highest_place, rebuild
from coupons.recovery.consistency_scan import Report, Tell
from coupons.runtime import ProcessState
from coupons.store import Gate, store

logger = logging.getLogger(__name__)

WATCHED_FOR = timedelta(days=7)  # after a campaign has closed


@dataclass(slots=True)
class _Rounds:
    """What a round remembers for the next one. `repairs`: slug → next epoch; `not_before_s`:
    campaign id → time of its next scan (monotonic, seconds)."""

    repairs: dict[str, str] = field(default_factory=dict)
    not_before_s: dict[int, float] = field(default_factory=dict)


rounds = ProcessState(_Rounds)


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of a campaign. Redis is read first."""

    slug: str
    admitted: int
    waiting: int
    parked: int
    stored: int
    given_up: int
    holes: int  # places known to have no claim

    @property
    def gap(self) -> int:
        """Claims that were told and are in no store: at least this many. Negative: some moved
        during the reads, Redis lost its most recent writes, or another program parked entries."""
        accounted = self.stored + self.waiting + self.parked + self.given_up
        return self.admitted - accounted


def watched_campaigns() -> list[Campaign]:
    """Queued campaigns, until WATCHED_FOR after they closed. Raises StoreAway, DatabaseAway."""
    since = deciding_clock.deciding_now(Campaign.Strategy.QUEUED) - WATCHED_FOR
    with availability.require_database():
        queued = Campaign.objects.filter(strategy=Campaign.Strategy.QUEUED, closes_at__gt=since)
        return list(queued.exclude(state=lifecycle.State.DRAFT))


def count_claims(watched: Sequence[Campaign]) -> list[Counts]:
    """The counts of the campaigns that are in Redis. Raises StoreAway, DatabaseAway."""
    slugs = [campaign.slug for campaign in watched]
    gates = successful_answers(
        store().campaigns.gates(slugs), Work.RECONCILE
    )  # before MySQL: see above
    ids = [campaign.pk for campaign in watched]
    with availability.require_database():
        tallies = Tally.objects.in_bulk(ids)
        # If a place was taken twice, the other claim is stored, and counted there.
        given_up_claims = GivenUp.objects.filter(campaign__in=ids, place__gt=0).exclude(
            reason=Reason.PLACE_TAKEN
        )
        given_up = dict(
            given_up_claims.values_list("campaign").order_by("campaign").annotate(Count("pk"))
        )
    counts = []
    for campaign in watched:
        with isolate_campaign(campaign.slug, Work.RECONCILE):
            if gate := gates.get(campaign.slug):
                count = given_up.get(campaign.pk, 0)
                counts.append(_counts(campaign, gate, tallies[campaign.pk], count))
    return counts


def _counts(campaign: Campaign, gate: Gate, tally: Tally, given_up: int) -> Counts:
    return Counts(
        slug=campaign.slug,
        admitted=gate.admitted,
        waiting=gate.waiting,
        parked=gate.parked,
        stored=tally.stored,
        given_up=given_up,
        holes=tally.holes,
    )


def reconcile_campaigns() -> list[Report]:
    """One round of beat: compare counts, record the highest places, scan where counts differ."""
    for slug in [*epochs.open_under_old_epoch(), *_interrupted_repairs()]:
        with isolate_campaign(slug, Work.RECONCILE):
            rebuild.renew_campaign(slug, actor=consistency_scan.ACTOR)
    known = {campaign.slug: campaign for campaign in watched_campaigns()}
    at_ms = store().server.now_ms()
    all_counts = count_claims(list(known.values()))
    _list_installed([counts.slug for counts in all_counts])
    differing: list[Campaign] = []
    for counts in all_counts:
        campaign = known[counts.slug]
        with isolate_campaign(campaign.slug, Work.RECONCILE), availability.require_database():
            highest_place.raise_highest(campaign.pk, counts.admitted)
        if counts.gap > counts.holes:
            differing.append(campaign)
        else:
            _set_gauges(counts.slug, {Gap.NOT_STORED: 0, Gap.HOLE: counts.holes}, at_ms)
    return _scan_differing(differing)


def _scan_differing(differing: Sequence[Campaign]) -> list[Report]:
    """Scan campaigns whose counts differ. If a difference remains, the next scan comes after a
    pause of ten times the duration of this one, so that a campaign that can't be repaired takes no
    more than a tenth of the time."""
    reports: list[Report] = []
    not_before_s = rounds.current.not_before_s
    for campaign in sorted(differing, key=lambda row: not_before_s.get(row.pk, 0.0)):
        began_s = time.monotonic()
        if began_s < not_before_s.get(campaign.pk, 0.0):
            continue
        left = True
        try:
            with isolate_campaign(campaign.slug, Work.RECONCILE):
                reports.append(report := compare_campaign(campaign.slug, repair=True))
                left = bool(report.left)
        finally:  # also if this task's time limit ends it
            pause_s = 10 * (time.monotonic() - began_s) if left else 0.0
            not_before_s[campaign.pk] = time.monotonic() + pause_s
    return reports


def _list_installed(slugs: list[str]) -> None:
    """Put missing campaigns back on Redis' list: the sweep wakes drains for listed ones only."""
    try:
        listed = set(store().campaigns.installed_slugs())
    except StoreError:
        listed = set()
    if missing := [slug for slug in slugs if slug not in listed]:
        logger.error("campaigns missing from coupon:installed: %s of %s", len(missing), len(slugs))
        store().campaigns.list_installed(missing)


def _interrupted_repairs() -> list[str]:
    """Slugs of campaigns whose automatic repair is unchanged since this process's last round: the
    process that began it has died, or lost a store. Repeating a running one does no harm."""
    this_process = rounds.current
    before, this_process.repairs = this_process.repairs, epochs.automatic_repairs()
    return [slug for slug, epoch in this_process.repairs.items() if before.get(slug) == epoch]


def compare_campaign(
    slug: str, *, repair: bool = False, tell: Tell = consistency_scan.no_progress
) -> Report:
    """Scan every place of a campaign; with `repair`, repair what is safe to repair.

    Raises UnknownCampaign, NotInstalled, StoreAway, DatabaseAway.
    """
    campaign = update.queued_campaign(slug)
    report = consistency_scan.scan_campaign(campaign, repair=repair, tell=tell)
    with availability.require_database():
        highest_place.raise_highest(campaign.pk, report.admitted)
        Tally.objects.filter(campaign=campaign).update(holes=report.found[Gap.HOLE])
    gaps = {kind: report.found[kind] - report.mended[kind] for kind in Gap}
    _set_gauges(slug, gaps, store().server.now_ms())
    for kind in Gap:
        metrics.GAPS_REPAIRED.labels(metrics.campaign_label(slug), kind).inc(report.mended[kind])
    return report


def _set_gauges(slug: str, gaps: dict[Gap, int], at_ms: int) -> None:
    """`at_ms`: time by Redis' clock, shared by all hosts: the latest comparison counts."""
    known = metrics.campaign_label(slug)
    for kind, count in gaps.items():
        metrics.GAPS.labels(known, kind).set(count)
    metrics.RECONCILED.labels(known).set(at_ms / 1000)
