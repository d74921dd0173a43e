"""`manage.py honour_receipt RECEIPT [--yes]`: store the coupon of a lost claim."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from coupons.issuing import receipt_status
from coupons.issuing.receipt_status import Fate
from coupons.management.arguments import ASKED_WRONGLY, Text
from coupons.management.base import SentenceCommand
from coupons.recovery import honour

ACTOR = "manage.py"
LONGEST_RECEIPT = 4096  # bytes; ours have some hundreds


class Command(SentenceCommand):
    help = (
        "Show the state of a receipt's claim; with --yes, if the claim was lost and its place is "
        "free, store its coupon on that place."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("receipt", type=Text(LONGEST_RECEIPT))
        parser.add_argument("--yes", action="store_true", help="store it")

    def handle(self, *args: Any, **options: Any) -> None:
        finding = receipt_status.verify_receipt(options["receipt"])
        if finding is None:
            raise CommandError("This is not a receipt of ours.", returncode=ASKED_WRONGLY)
        receipt = finding.receipt
        self.stdout.write(
            f"{receipt.campaign}, place {receipt.place}, user {receipt.user!r}: {finding.fate}"
        )
        if finding.fate is Fate.LOST and options["yes"]:
            coupon = honour.honour_receipt(options["receipt"], actor=ACTOR)
            self.stdout.write(f"Honoured: {coupon.code} is stored on place {coupon.place}.")
        elif finding.fate is Fate.LOST:
            self.stdout.write("Nothing was changed; --yes stores it.")
