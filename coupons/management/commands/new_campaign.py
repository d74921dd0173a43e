"""`manage.py new_campaign SLUG`: draft and schedule a campaign that opens in some seconds.

For load runs and for trying things by hand. Prints one line of JSON.
"""

import json
from datetime import timedelta
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from coupons import campaigns, facts, questions
from coupons.errors import NeedsConfirmation
from coupons.models import Campaign

ACTOR = "new_campaign"


class Command(BaseCommand):
    help = "Draft and schedule a campaign; print its slug, stock, strategy and opening as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--stock", type=int, default=1000)
        parser.add_argument("--strategy", choices=Campaign.Strategy.values, default="queued")
        parser.add_argument("--opens-in", type=float, default=0, help="seconds (default 0)")
        parser.add_argument("--lasts", type=float, default=3600, help="seconds (default an hour)")
        parser.add_argument("--per-user", type=int, default=1)
        parser.add_argument(
            "--yes", action="store_true", help="confirm what would be asked: an opening in the past"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            known = facts.from_row(_scheduled(options))
        except NeedsConfirmation as asked:
            raise CommandError(f"{asked} If that is meant: --yes", returncode=2) from None
        except ValidationError as refused:
            raise CommandError(" ".join(_sentences(refused)), returncode=2) from None
        said = {name: getattr(known, name) for name in ("slug", "stock", "strategy", "opens_ms")}
        self.stdout.write(json.dumps(said))


def _scheduled(options: dict[str, Any]) -> Campaign:
    """Raises ValidationError, NeedsConfirmation; then nothing is left."""
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
    )
    confirmed = questions.ALL if options["yes"] else frozenset()
    campaigns.draft(drafted, actor=ACTOR, confirmed=confirmed)
    try:
        return campaigns.schedule(drafted.slug, actor=ACTOR, confirmed=confirmed)
    except NeedsConfirmation:
        campaigns.discard(drafted)
        raise


def _sentences(refused: ValidationError) -> list[str]:
    """Each with the field that it is about."""
    return [
        f"{name}: {' '.join(texts)}" if name != NON_FIELD_ERRORS else " ".join(texts)
        for name, texts in refused.message_dict.items()
    ]
