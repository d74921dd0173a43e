"""`manage.py replay_parked SLUG [--reason R] [--yes]`: put parked claims back on the queue."""

from typing import Any

from django.core.management.base import CommandParser

from coupons.campaigns import update
from coupons.claims.quantities import counted_noun
from coupons.claims.values import Reason
from coupons.issuing import dead_letters
from coupons.management import progress
from coupons.management.arguments import SLUG
from coupons.management.base import SentenceCommand

ACTOR = "manage.py"


class Command(SentenceCommand):
    help = (
        "Put parked claims back on the queue, after the cause is corrected. A claim that still "
        "can't be stored is parked again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", type=SLUG)
        parser.add_argument(
            "--reason",
            choices=[reason.value for reason in Reason],
            default="",
            help="only this one",
        )
        parser.add_argument("--yes", action="store_true", help="don't ask")

    def handle(self, *args: Any, **options: Any) -> None:
        slug, reason = options["slug"], options["reason"]
        update.queued_campaign(slug)
        counts = dead_letters.count_by_reason(slug)
        for name, count in sorted(counts.items()):
            self.stdout.write(f"{count:8,} {name}")
        count = counts[reason] if reason else counts.total()
        question = f"Put {counted_noun(count, 'claim')} of {slug} back on the queue?"
        if count and self.demand_consent(question, is_given=options["yes"]):
            done = dead_letters.replay_parked(
                slug, actor=ACTOR, reason=reason, tell=progress.of_replay(slug)
            )
            self.stdout.write(f"{counted_noun(done, 'claim')} of {slug} put back on the queue.")
        else:
            self.stdout.write(f"Nothing was put back on the queue of {slug}.")
