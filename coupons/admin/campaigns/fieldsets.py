"""The fields of the campaign's form, in order. Of a public campaign what can still change comes
first; what is fixed is folded."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from coupons.admin.campaigns.amounts import SHOWN_BY
from coupons.admin.campaigns.forms import AFTER_CLAIM, CHANGEABLE

SALE = ("slug", "name", "strategy", "stock", "per_user", "audience")
WINDOW = ("opens_at", "closes_at")
ANNOUNCEMENT = ("announced_at", "is_listed")
TERMS = (
    "discount", "discount_value", "currency", "minimum_order", "discount_cap", "valid_until",
    "valid_days",
)  # fmt: skip
TERMS_CLASS = "terms"  # the preview follows this fieldset
EVERYTHING = (*SALE, *WINDOW, *ANNOUNCEMENT, *TERMS, *AFTER_CLAIM)
# A read-only moment is shown by a method: Django's own format ends at the minute.
_EXACT = {
    "opens_at": "opening",
    "closes_at": "closing",
    "valid_until": "valid_to",
    "announced_at": "announcement",
} | SHOWN_BY


def shown_fields(names: tuple[str, ...] | list[str], frozen: list[str]) -> list[str]:
    """The names, those of read-only fields replaced by the methods that show them."""
    return [_EXACT.get(name, name) if name in frozen else name for name in names]


def form_fieldsets(frozen: list[str], *, is_new: bool) -> list[Any]:
    """Django's fieldsets. `frozen`: names of read-only fields; none of a draft."""
    zone = _("All times are in the time zone %s.") % timezone.get_current_timezone_name()
    if is_new or not frozen:
        return [
            (None, {"fields": shown_fields(SALE, frozen)}),
            (_("Window"), {"fields": shown_fields(WINDOW, frozen), "description": zone}),
            (_("Announcement"), {"fields": shown_fields(ANNOUNCEMENT, frozen)}),
            (_("Terms"), {"classes": [TERMS_CLASS], "fields": shown_fields(TERMS, frozen)}),
            (_("After the claim"), {"fields": shown_fields(AFTER_CLAIM, frozen)}),
        ]
    open_names = [name for name in CHANGEABLE if name not in frozen]
    changeable = [(None, {"fields": open_names, "description": zone})] if open_names else []
    return [*changeable, *_folded(frozen)]


def _folded(frozen: list[str]) -> list[Any]:
    groups = (
        (_("Sale"), (*SALE, *WINDOW)),
        (_("Announcement"), ANNOUNCEMENT),
        (_("Terms"), TERMS),
        (_("After the claim"), AFTER_CLAIM),
    )
    return [
        (title, {"classes": ["collapse"],
                 "fields": shown_fields([name for name in names if name in frozen], frozen)})
        for title, names in groups
    ]  # fmt: skip
