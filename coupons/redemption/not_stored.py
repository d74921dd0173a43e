"""A code that is not in the table may belong to a claim that waits to be stored."""

from collections.abc import Callable
from typing import TypeVar

from coupons.database.availability import require_database
from coupons.errors import NotStoredYet, UnknownCoupon
from coupons.models import Campaign
from coupons.store import store

T = TypeVar("T")


def ask_stored(merchant_id: int, ask: Callable[[], T]) -> T:
    """The result of `ask`, a verb or a quote by code. If it finds no coupon: raises NotStoredYet
    while a claim of any campaign of this merchant waits to be stored, else UnknownCoupon.

    Raises StoreAway: without Redis nobody knows. Only for a code that was not found: a redemption
    asks no Redis. Nothing waits: asked once more, since a worker may have stored the coupon between
    the two looks.
    """
    try:
        return ask()
    except UnknownCoupon:
        if _has_waiting(merchant_id):
            text = "Claims wait to be stored; this code may be one of them."
            raise NotStoredYet(text) from None
        return ask()


def _has_waiting(merchant_id: int) -> bool:
    queued = Campaign.objects.filter(
        merchant_id=merchant_id, strategy=Campaign.Strategy.QUEUED
    ).exclude(state=Campaign.State.DRAFT)
    with require_database():
        slugs = list(queued.values_list("slug", flat=True))
    installed = set(store().campaigns.installed_slugs()) & set(slugs) if slugs else set()
    waiting = store().queue.waiting_counts(sorted(installed)) if installed else {}
    # A count that could not be read may be anything.
    return any(not isinstance(count, int) or count > 0 for count in waiting.values())
