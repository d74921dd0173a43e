"""`manage.py campaign pause|resume|close SLUG`: what the admin's buttons do, at a terminal."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from coupons import campaigns
from coupons.errors import CouponError

VERBS = {"pause": campaigns.pause, "resume": campaigns.resume, "close": campaigns.close}


class Command(BaseCommand):
    help = "Pause, resume or close a campaign. Closing is final."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=sorted(VERBS))
        parser.add_argument("slug")
        parser.add_argument("--actor", default="", help="who did it, for the campaign's history")

    def handle(self, *args: Any, **options: Any) -> None:
        actor = options["actor"] or f"{getpass.getuser()} at a terminal"
        try:
            campaign = VERBS[options["verb"]](options["slug"], actor=actor)
        except CouponError as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(f"{campaign.slug} is {campaign.get_state_display()} now.")
