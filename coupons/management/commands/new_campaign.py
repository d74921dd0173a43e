"""`manage.py new_campaign SLUG`: draft and schedule a campaign that opens in some seconds.

For load runs and for trying things by hand. Prints one line of JSON.
"""

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from coupons.campaigns import confirmations, lifecycle, snapshot
from coupons.errors import CouponError, NeedsConfirmation
from coupons.management import progress
from coupons.management.arguments import ASKED_WRONGLY, SLUG, Number, error_sentence
from coupons.management.base import PER_USER, STOCK, SentenceCommand
from coupons.merchants import accounts
from coupons.models import Campaign

ACTOR = "new_campaign"
# Seconds from now for which `datetime` has dates; the model validates the dates themselves.
FROM_NOW = Number(-6e10, 1e11)


class Command(SentenceCommand):
    help = "Draft and schedule a campaign; print its slug, stock, strategy and opening as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", type=SLUG)
        parser.add_argument("--stock", type=STOCK, default=1000)
        parser.add_argument("--strategy", choices=Campaign.Strategy.values, default="queued")
        parser.add_argument("--opens-in", type=FROM_NOW, default=0, help="seconds (default 0)")
        parser.add_argument(
            "--lasts", type=FROM_NOW, default=3600, help="seconds (default an hour)"
        )
        parser.add_argument("--merchant", type=SLUG, help="whose keys redeem its coupons")
        parser.add_argument("--per-user", type=PER_USER, default=1)
        parser.add_argument(
            "--yes", action="store_true", help="confirm an opening in the past; refused without it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            created = snapshot.snapshot_of(_scheduled(options))
        except NeedsConfirmation as question:
            message = f"{question} To confirm: --yes"
            raise CommandError(message, returncode=ASKED_WRONGLY) from None
        summary = {
            name: getattr(created, name) for name in ("slug", "stock", "strategy", "opens_ms")
        }
        self.stdout.write(json.dumps(summary))


def _scheduled(options: dict[str, Any]) -> Campaign:
    """Raises ValidationError, NeedsConfirmation: then no draft is kept. CommandError if the draft,
    which is kept, could not be scheduled."""
    opens_at = timezone.now() + timedelta(seconds=options["opens_in"])
    drafted = Campaign(
        slug=options["slug"],
        name=f"Campaign {options['slug']}",
        stock=options["stock"],
        strategy=options["strategy"],
        per_user=options["per_user"],
        opens_at=opens_at,
        closes_at=opens_at + timedelta(seconds=options["lasts"]),
        discount_value=10,
        valid_days=30,
        merchant=accounts.find_merchant(options["merchant"]) if options["merchant"] else None,
    )
    confirmed = confirmations.ALL if options["yes"] else frozenset()
    lifecycle.save_draft(drafted, actor=ACTOR, confirmed=confirmed)
    try:
        return lifecycle.schedule_campaign(
            drafted.slug, actor=ACTOR, confirmed=confirmed, tell=progress.of_slots(drafted.slug)
        )
    except NeedsConfirmation:
        lifecycle.delete_draft(drafted)
        raise
    except CouponError as failure:
        hint = f"Its draft is kept: manage.py campaign schedule {drafted.slug}"
        raise CommandError(f"{error_sentence(str(failure))} {hint}") from failure
