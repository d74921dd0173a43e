"""`manage.py expire_coupons`: record at once what the sweep would record in time.

An expired coupon is refused without it. It gives stock back where the campaign says so, tells
webhooks, and keeps lists by state true. Safe to repeat, and to stop at any time.
"""

from typing import Any

from coupons.claims.quantities import counted_noun
from coupons.management.base import SentenceCommand
from coupons.management.progress import ProgressLine
from coupons.redemption import expiry


class Command(SentenceCommand):
    help = "Record the expiry of every coupon that has expired, with progress."

    def handle(self, *args: Any, **options: Any) -> None:
        line = ProgressLine()
        count = expiry.expire_campaigns(
            tell=lambda slug, done: line(f"{slug}: {counted_noun(done, 'coupon')} recorded")
        )
        self.stdout.write(f"{counted_noun(count, 'expired coupon')} recorded.")
