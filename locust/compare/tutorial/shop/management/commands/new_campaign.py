"""The same command as the product's, as far as a load run needs it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from shop.models import Campaign

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Command(BaseCommand):
    help = "Make a campaign and print it as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--stock", type=int, default=1000)
        parser.add_argument("--strategy", default="queued", help="ignored: it has but one")
        parser.add_argument("--opens-in", type=float, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        opens_at = timezone.now() + timedelta(seconds=options["opens_in"])
        Campaign.objects.create(slug=options["slug"], stock=options["stock"], opens_at=opens_at)
        opens_ms = (opens_at - EPOCH) // timedelta(milliseconds=1)
        said = {"slug": options["slug"], "stock": options["stock"], "opens_ms": opens_ms}
        self.stdout.write(json.dumps(said))
