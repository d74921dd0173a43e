"""The bounds of a definition as constraints of the database, whichever program writes.

An older table may have rows that violate a constraint: the migration leaves that constraint out and
reports it (`manage.py definitions`).
"""

from django.db.models import BaseConstraint, CheckConstraint, F, Q
from django.utils.translation import gettext_lazy as _

from coupons.claims.limits import MAX_PER_USER, MAX_STOCK
from coupons.models.bounds import (
    EARLIEST,
    LATEST,
    MAX_FILTER_BLOCKS,
    MAX_PERCENT,
    MAX_VALID_DAYS,
    MORE_THAN_ANY_AMOUNT,
    PERCENT,
)

_CALENDAR = (EARLIEST, LATEST)

OF_CAMPAIGNS: list[BaseConstraint] = [
    CheckConstraint(condition=Q(stock__gte=1), name="campaign_has_stock"),
    CheckConstraint(condition=Q(per_user__gte=1), name="campaign_per_user_positive"),
    CheckConstraint(
        condition=Q(opens_at__lt=F("closes_at")),
        name="campaign_opens_before_it_closes",
        violation_error_message=_("A campaign must close after it opens."),
    ),
    CheckConstraint(
        condition=Q(announced_at__isnull=True)
        | Q(announced_at__gte=EARLIEST, announced_at__lte=F("opens_at")),
        name="campaign_is_announced_by_its_opening",
        violation_error_message=_("A campaign must be announced before it opens."),
    ),
    CheckConstraint(
        condition=Q(slots_to_keep__isnull=True) | Q(slots_to_keep__gte=F("stock")),
        name="campaign_keeps_the_slots_of_its_stock",
    ),
    CheckConstraint(
        condition=Q(valid_until__isnull=True, valid_days__isnull=False)
        | Q(valid_until__isnull=False, valid_days__isnull=True),
        name="campaign_validity_is_an_end_or_days",
        violation_error_message=_(
            "Coupons are valid until a fixed end or for a number of days: give one of both."
        ),
    ),
    CheckConstraint(condition=Q(stock__lte=MAX_STOCK), name="campaign_stock_is_bounded"),
    CheckConstraint(condition=Q(per_user__lte=MAX_PER_USER), name="campaign_per_user_is_bounded"),
    CheckConstraint(
        condition=Q(filter_blocks__range=(1, MAX_FILTER_BLOCKS)), name="campaign_filter_is_bounded"
    ),
    CheckConstraint(
        condition=Q(opens_at__range=_CALENDAR, closes_at__range=_CALENDAR),
        name="campaign_window_is_on_the_calendar",
    ),
    CheckConstraint(
        condition=Q(valid_until__isnull=True) | Q(valid_until__range=_CALENDAR),
        name="campaign_valid_until_is_on_the_calendar",
    ),
    CheckConstraint(
        condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("closes_at")),
        name="campaign_valid_until_is_after_it_closes",
    ),
    CheckConstraint(
        condition=Q(valid_days__isnull=True) | Q(valid_days__range=(1, MAX_VALID_DAYS)),
        name="campaign_valid_days_are_bounded",
    ),
    CheckConstraint(
        condition=Q(discount_value__gt=0, discount_value__lt=MORE_THAN_ANY_AMOUNT)
        & (~Q(discount=PERCENT) | Q(discount_value__lte=MAX_PERCENT)),
        name="campaign_discount_is_bounded",
    ),
    CheckConstraint(
        condition=Q(minimum_order__gte=0, minimum_order__lt=MORE_THAN_ANY_AMOUNT),
        name="campaign_minimum_order_is_bounded",
    ),
    CheckConstraint(
        condition=Q(discount_cap__isnull=True)
        | Q(discount=PERCENT, discount_cap__gt=0, discount_cap__lt=MORE_THAN_ANY_AMOUNT),
        name="campaign_cap_is_of_a_percentage",
    ),
]
