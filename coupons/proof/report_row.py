"""Reports are computed in the background and kept in a row, so that their page is there at once."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from coupons.campaigns.fault_isolation import isolate_campaign
from coupons.database import availability, clock
from coupons.errors import CouponError
from coupons.models import Campaign, ProofReport, Tally
from coupons.observability.metrics import Work
from coupons.proof import report
from coupons.proof.report import Figures
from coupons.recovery import reconcile

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)  # longer than a task may take
TOLD_EVERY_S = 0.5
MOST_PLACES = 1_200_000  # in the background: a task ends after 30 s


def ask_report(campaign: Campaign) -> ProofReport:
    """Have it computed (again). Nothing while it is being computed. Raises DatabaseAway."""
    with availability.require_database():
        row, _made = ProofReport.objects.get_or_create(campaign=campaign)
        now = clock.read_now()
        ProofReport.objects.filter(_is_free(), campaign=campaign).update(
            asked_at=now, error="", done_places=0
        )
        row.refresh_from_db()
    return row


def compute_asked(*, until: Callable[[], bool]) -> int:
    """Compute what was asked for, and the report of campaigns that have a root since.
    Returns how many. Safe to run twice, late, or in parallel. Raises DatabaseAway."""
    with availability.require_database():
        for campaign in _without_report():
            _row, made = ProofReport.objects.get_or_create(
                campaign=campaign, defaults={"asked_at": clock.read_now()}
            )
            if not made:
                _of_before_the_root().filter(campaign=campaign).update(asked_at=clock.read_now())
        due = ProofReport.objects.filter(_is_free(), asked_at__isnull=False)
        campaigns = [row.campaign for row in due.select_related("campaign").order_by("asked_at")]
    computed = 0
    for campaign in campaigns:
        if until():
            break
        with isolate_campaign(campaign.slug, Work.PROOF):
            computed += _compute_row(campaign)
    return computed


def _is_free() -> Q:
    return Q(busy_until=None) | Q(busy_until__lte=clock.Now())


def _without_report() -> list[Campaign]:
    since = clock.read_now() - reconcile.WATCHED_FOR
    closed = Campaign.objects.filter(state=Campaign.State.CLOSED, closes_at__gt=since)
    old = Q(report__isnull=True) | Q(report__in=_of_before_the_root())
    return list(closed.filter(old, proof__root__isnull=False))


def _of_before_the_root() -> QuerySet[ProofReport]:
    """Reports that were computed before the campaign's root was published. Not those that were
    tried since and failed: their page says why."""
    rows = ProofReport.objects.filter(asked_at=None, error="", computed_at__isnull=False)
    return rows.filter(computed_at__lt=F("campaign__proof__proved_at"))


def _compute_row(campaign: Campaign) -> bool:
    own = ProofReport.objects.filter(campaign=campaign)
    with availability.require_database():
        until = clock.read_now() + LEASE
        if not own.filter(_is_free(), asked_at__isnull=False).update(busy_until=until):
            return False
        places = Tally.objects.get(campaign=campaign).highest
    if places > MOST_PLACES:
        text = _("It has so many places that a shell computes it: manage.py proof_report {}")
        _finish(campaign, error=text.format(campaign.slug))
        return False
    try:
        figures = report.compute_report(campaign, tell=progress_teller(campaign))
    except CouponError as failure:
        _finish(campaign, error=str(failure)[:500])
        raise
    keep_report(campaign, figures)
    return True


def progress_teller(campaign: Campaign) -> report.Tell:
    """Writes the progress into the row, twice a second at most."""
    next_s = 0.0

    def tell(done: int, of: int) -> None:
        nonlocal next_s
        if time.monotonic() >= next_s:
            next_s = time.monotonic() + TOLD_EVERY_S
            with availability.require_database():
                row = ProofReport.objects.filter(campaign=campaign)
                row.update(places=of, done_places=done)

    return tell


def keep_report(campaign: Campaign, figures: Figures) -> None:
    """Keep it for the page. Raises DatabaseAway."""
    places = figures["counts"]["admitted"]
    with availability.require_database():
        ProofReport.objects.get_or_create(campaign=campaign)
        _finish(campaign, figures=figures, computed_at=clock.read_now(), places=places)
    faults = report.faults_of(figures)
    if faults:
        logger.error("the report of %s has found: %s", campaign.slug, ", ".join(faults))


def _finish(campaign: Campaign, *, error: str = "", **changes: object) -> None:
    with availability.require_database():
        ProofReport.objects.filter(campaign=campaign).update(
            asked_at=None, busy_until=None, error=error, **changes
        )
