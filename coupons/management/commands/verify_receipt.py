"""`manage.py verify_receipt RECEIPT`: a receipt against the published root of its campaign."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from coupons.campaigns import lookup
from coupons.issuing import receipt_status
from coupons.management.arguments import ASKED_WRONGLY, Text
from coupons.management.base import SentenceCommand
from coupons.management.commands.honour_receipt import LONGEST_RECEIPT
from coupons.proof import inclusion, leaves, merkle
from coupons.proof.build import base64_of


class Command(SentenceCommand):
    help = (
        "Check that a receipt is ours and that its place is under the published root of its "
        "campaign, as its user can by verify_receipt.py. Fails if it is not."
    )

    def is_read(self, options: dict[str, Any]) -> bool:
        return True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("receipt", type=Text(LONGEST_RECEIPT))

    def handle(self, *args: Any, **options: Any) -> None:
        receipt = receipt_status.genuine_receipt(options["receipt"])
        if receipt is None:
            raise CommandError("This is not a receipt of ours.", returncode=ASKED_WRONGLY)
        known = lookup.find_snapshot(receipt.campaign)
        found = inclusion.find_inclusion(known, receipt.place)
        leaf = leaves.leaf_hash(receipt.place, options["receipt"])
        root = merkle.root_from_path(leaf, receipt.place - 1, found.size, found.path)
        if root != found.root:
            raise CommandError(
                f"{known.slug}: place {receipt.place} is another claim's under the root."
            )
        self.stdout.write(
            f"{known.slug}: place {receipt.place} of {found.size} is under the root "
            f"{base64_of(found.root)}."
        )
