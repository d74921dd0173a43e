"""`manage.py revoke SLUG FILE --reason WHY`: take each coupon of a list from its owner."""

from typing import Any

from django.core.management.base import CommandParser

from coupons.audit.log import TEXT_CHARS
from coupons.management.arguments import Line
from coupons.management.list_command import ListCommand
from coupons.models import Job


class Command(ListCommand):
    help = (
        "Take each coupon of a list (column `code`, or `user` and `nth`) from its owner. Redeemed "
        "coupons are refused: their redemption must be cancelled first."
    )
    kind = Job.Kind.REVOCATIONS

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reason", type=Line(TEXT_CHARS), required=True, help="kept for each")
        parser.add_argument("--force", action="store_true", help="also coupons that an order holds")
        parser.add_argument("--returns", action="store_true", help="their units of stock come back")
        parser.add_argument("--yes", action="store_true", help="don't ask")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["slug"]
        question = f"Revoke the coupons of {slug} that {options['file']} lists?"
        if not self.demand_consent(question, is_given=options["yes"]):
            self.stdout.write(f"Nothing of {slug} was revoked.")
            return
        self.work_on_list(
            slug,
            options["file"],
            options["format"],
            reason=options["reason"],
            force=options["force"],
            returns=options["returns"],
        )
