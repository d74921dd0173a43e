"""`manage.py reconcile [--repair] [SLUG]`: compare Redis with the database, in both directions."""

import logging
from typing import Any

from django.core.management.base import CommandError, CommandParser

from coupons.campaigns import update
from coupons.claims.quantities import counted_noun
from coupons.errors import CouponError
from coupons.grants import returns
from coupons.management import progress
from coupons.management.arguments import SLUG
from coupons.management.base import SentenceCommand, of_campaign
from coupons.recovery import reconcile
from coupons.recovery.consistency_scan import Report

logger = logging.getLogger(__name__)


class Command(SentenceCommand):
    help = (
        "Compare Redis with the database, place by place. --repair puts lost claims back on the "
        "queue and adds to Redis the coupons it lacks. Fails if a difference is left."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "slug", type=SLUG, nargs="?", help="default: every campaign of recent days"
        )
        parser.add_argument("--repair", action="store_true", help="repair what is safe to repair")

    def handle(self, *args: Any, **options: Any) -> None:
        only_slug = options["slug"]
        if only_slug:  # its error is the command's error, not a difference
            update.queued_campaign(only_slug)
        slugs = (
            [only_slug]
            if only_slug
            else [campaign.slug for campaign in reconcile.watched_campaigns()]
        )
        differing = [slug for slug in slugs if not self._is_right(slug, options["repair"])]
        if differing:
            raise CommandError(f"Not in order: {', '.join(differing)}.")
        compared = counted_noun(len(slugs), "campaign")
        self.stdout.write(f"{compared} compared: what was told is stored or waits.")

    def _is_right(self, slug: str, repair: bool) -> bool:
        try:
            report = reconcile.compare_campaign(slug, repair=repair, tell=progress.of_scan(slug))
        except CouponError as error:
            self.stderr.write(of_campaign(slug, error))
            return False
        except Exception as error:  # a bug of ours; the other campaigns are still compared
            logger.exception("reconcile of campaign %s failed", slug)
            self.stderr.write(f"{slug}: {error!r}")
            return False
        self._say(report)
        faults = returns.check_returned(slug).faults
        for fault in faults:
            self.stdout.write(f"  returned   {fault}")
        return not report.left and not faults

    def _say(self, report: Report) -> None:
        self.stdout.write(
            f"{report.slug}: {report.admitted:,} admitted, {report.stored:,} stored, "
            f"{report.on_its_way:,} waiting, parked or given up"
        )
        for difference in report.differences:
            self.stdout.write(
                f"  {difference.kind:10} place {difference.place}: {difference.description}"
            )
        for kind, count in report.found.items():
            self.stdout.write(f"  {kind:10} {count:,} found, {report.mended[kind]:,} mended")
