"""A code that is not in the table may belong to a claim that waits to be stored."""

from typing import NoReturn

from coupons.errors import NotStoredYet, UnknownCoupon
from coupons.models import Campaign
from coupons.redemption.transition import NO_SUCH_COUPON
from coupons.store import store


def raise_unknown_code(merchant_id: int) -> NoReturn:
    """Raises NotStoredYet while a claim of any campaign of this merchant waits to be stored, else
    UnknownCoupon. Raises StoreAway: without Redis nobody knows. Only for a code that was not found:
    a redemption asks no Redis."""
    queued = Campaign.objects.filter(
        merchant_id=merchant_id, strategy=Campaign.Strategy.QUEUED
    ).exclude(state=Campaign.State.DRAFT)
    slugs = list(queued.values_list("slug", flat=True))
    installed = set(store().campaigns.installed_slugs()) & set(slugs) if slugs else set()
    waiting = store().queue.waiting_counts(sorted(installed)) if installed else {}
    # A count that could not be read may be anything.
    if any(not isinstance(count, int) or count > 0 for count in waiting.values()):
        raise NotStoredYet("Claims wait to be stored; this code may be one of them.")
    raise UnknownCoupon(NO_SUCH_COUPON)
