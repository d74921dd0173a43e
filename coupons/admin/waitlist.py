"""The admin of waitlists: who waits for a campaign's coupons, in order, and why one was skipped.
Only read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from coupons.admin.formatting import exact_time
from coupons.admin.typed import WaitlistBase
from coupons.admin.webhooks.deliveries import BoundedPaginator
from coupons.models import WaitlistEntry

_REASONS: dict[str, Promise] = {
    "has_place": _("has a coupon by now"),
    "offer_lapsed": _("did not accept the offer in time"),
    "no_time_left": _("too little time was left to use it"),
}


class WaitlistEntryAdmin(WaitlistBase):
    list_display = ("number", "user", "campaign", "state", "asked", "place", "skipped")
    list_filter = ("state",)
    list_select_related = ("campaign",)
    list_per_page = 50
    ordering = ("campaign", "number")
    sortable_by = ()
    search_fields = ("=campaign__slug",)
    search_help_text = _("The campaign's slug")
    paginator = BoundedPaginator
    show_full_result_count = False
    actions = None
    fields = readonly_fields = (
        "campaign", "user", "number", "state", "asked", "place", "offered_until", "skipped",
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: WaitlistEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: WaitlistEntry | None = None) -> bool:
        return False

    @admin.display(description=_("asked at"))
    def asked(self, entry: WaitlistEntry) -> str:
        return exact_time(entry.asked_at)

    @admin.display(description=_("offered until"))
    def offered_until(self, entry: WaitlistEntry) -> str:
        return exact_time(entry.offer_until) or str(self.get_empty_value_display())

    @admin.display(description=_("why it was skipped"))
    def skipped(self, entry: WaitlistEntry) -> Any:
        return _REASONS.get(entry.reason, entry.reason) or self.get_empty_value_display()
