"""`manage.py rebuild SLUG | --all`: restore a campaign's data in Redis from MySQL."""

import logging
from typing import Any

from django.core.management.base import CommandError, CommandParser

from coupons.campaigns import update
from coupons.claims.quantities import counted_noun
from coupons.errors import CouponError
from coupons.management import progress
from coupons.management.arguments import SLUG
from coupons.management.base import SentenceCommand, of_campaign
from coupons.readiness.queue import queue_keys_line
from coupons.readiness.result import Light
from coupons.recovery import epochs, failover, rebuild

ACTOR = "manage.py"

logger = logging.getLogger(__name__)


class Command(SentenceCommand):
    help = (
        "Close a campaign for repair, write into Redis all that the database has of it, open it "
        "again and verify this Redis server; places continue above the highest one ever given. "
        "Safe to repeat at any time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("slug", type=SLUG, nargs="?", help="this campaign, in any condition")
        which.add_argument("--all", action="store_true", help="all that are closed for repair")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["all"]:
            update.queued_campaign(options["slug"])  # its error is the command's error
        slugs = epochs.closed_for_repair() if options["all"] else [options["slug"]]
        failed = [slug for slug in slugs if not self._rebuild(slug)]
        if failed:
            raise CommandError(f"Not rebuilt: {', '.join(failed)}.")
        self._verify_server()
        if len(slugs) != 1:
            self.stdout.write(f"{len(slugs)} campaigns were closed for repair and are rebuilt.")

    def _rebuild(self, slug: str) -> bool:
        try:
            line = queue_keys_line(slug)
            if line.light is Light.RED:  # a rebuild would fail in the middle and leave it closed
                self.stderr.write(f"{slug}: {line.seen} {line.do}")
                return False
            done = rebuild.rebuild_campaign(slug, actor=ACTOR, tell=progress.of_claimants(slug))
        except CouponError as error:
            self.stderr.write(of_campaign(slug, error))
            return False
        except Exception as error:  # a bug of ours; the other campaigns are still rebuilt
            logger.exception("rebuild of campaign %s failed", slug)
            self.stderr.write(f"{slug}: {error!r}")
            return False
        self.stdout.write(
            f"{slug}: {counted_noun(done.claimants, 'claimant')} written in {done.seconds:.1f} s, "
            f"{counted_noun(done.waiting, 'claim waits', 'claims wait')} to be stored, "
            f"numbers go on above {done.highest:,}."
        )
        return True

    def _verify_server(self) -> None:
        """Without this, a Redis that is new answers 503 until a worker or a claim verifies it."""
        if not failover.verify_server():
            raise CommandError(
                "This Redis may not decide yet: it is a replica, or another process repairs a "
                "campaign. Repeat this command in a moment."
            )
