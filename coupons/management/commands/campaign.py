"""`manage.py campaign schedule|pause|resume|close|stock SLUG`: the admin's actions as commands."""

import getpass
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError, CommandParser

from coupons.campaigns import confirmations, lifecycle
from coupons.errors import NeedsConfirmation
from coupons.management import progress
from coupons.management.arguments import ASKED_WRONGLY, SLUG
from coupons.management.base import ACTOR, STOCK, SentenceCommand, demand_campaign
from coupons.models import Campaign

VERBS: dict[str, Callable[..., Campaign]] = {
    "pause": lifecycle.pause_campaign,
    "resume": lifecycle.resume_campaign,
    "close": lifecycle.close_campaign,
}
FINAL = ("close",)  # asks for confirmation, as the admin does
MAKES_SLOTS = ("schedule", "stock")


class Command(SentenceCommand):
    help = (
        "Schedule, pause, resume or close a campaign, or set its stock. Closing is final. A stock "
        "that was interrupted is finished by setting it again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=sorted((*VERBS, *MAKES_SLOTS)))
        parser.add_argument("slug", type=SLUG)
        parser.add_argument("--stock", type=STOCK, help="the new one, for the verb `stock`")
        parser.add_argument("--actor", type=ACTOR, help="who did it, for the campaign's history")
        parser.add_argument("--yes", action="store_true", help="confirm without being asked")

    def handle(self, *args: Any, **options: Any) -> None:
        if (options["verb"] == "stock") != (options["stock"] is not None):
            message = "--stock NUMBER goes with the verb `stock`, and with no other."
            raise CommandError(message, returncode=ASKED_WRONGLY)
        if not self._is_confirmed(options):
            self.stdout.write(f"{options['slug']} is left as it was.")
            return
        try:
            campaign = _run_verb(options)
        except NeedsConfirmation as question:
            message = f"{question} To confirm: --yes"
            raise CommandError(message, returncode=ASKED_WRONGLY) from None
        state = campaign.get_state_display()
        if options["verb"] == "stock":
            self.stdout.write(f"{campaign.slug} is {state} with a stock of {campaign.stock:,} now.")
        else:
            self.stdout.write(f"{campaign.slug} is {state} now.")

    def _is_confirmed(self, options: dict[str, Any]) -> bool:
        """Whether a final verb is confirmed. Raises UnknownCampaign, DatabaseAway; CommandError if
        there is no terminal to ask at."""
        if options["verb"] not in FINAL:
            return True
        demand_campaign(options["slug"])
        question = f"Close {options['slug']} for good? A closed campaign can't be opened again."
        return self.demand_consent(question, is_given=options["yes"])


def _run_verb(options: dict[str, Any]) -> Campaign:
    """Raises CouponError, ValidationError."""
    verb, slug = options["verb"], options["slug"]
    actor = options["actor"] or f"{getpass.getuser()} at a terminal"
    tell = progress.of_slots(slug)
    if verb == "stock":
        return lifecycle.change_stock(slug, stock=options["stock"], actor=actor, tell=tell)
    if verb == "schedule":
        confirmed = confirmations.ALL if options["yes"] else frozenset()
        return lifecycle.schedule_campaign(slug, actor=actor, confirmed=confirmed, tell=tell)
    return VERBS[verb](slug, actor=actor)
