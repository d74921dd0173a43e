"""`manage.py honour_receipt RECEIPT [--yes]`: store the coupon of a lost claim."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from coupons import receipts
from coupons.errors import CouponError
from coupons.receipts import Fate

ACTOR = "manage.py"


class Command(BaseCommand):
    help = (
        "Say what became of a receipt's claim; with --yes, and if it was lost and its place is "
        "free, store its coupon on that place."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("receipt")
        parser.add_argument("--yes", action="store_true", help="store it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            finding = receipts.verify(options["receipt"])
            if finding is None:
                raise CommandError("This is not a receipt of ours.")
            said = finding.receipt
            self.stdout.write(
                f"{said.campaign}, place {said.place}, user {said.user!r}: {finding.fate}"
            )
            if finding.fate is Fate.LOST and options["yes"]:
                coupon = receipts.honour(options["receipt"], actor=ACTOR)
                self.stdout.write(f"Honoured: {coupon.code} stands on place {coupon.place}.")
            elif finding.fate is Fate.LOST:
                self.stdout.write("Nothing was changed; --yes stores it.")
        except CouponError as error:
            raise CommandError(str(error)) from error
