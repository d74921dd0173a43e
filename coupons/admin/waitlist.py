"""The admin of waitlists: who waits for a campaign's coupons, in order, and why one was skipped.
Only read."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from coupons.admin.bounded_paginator import BoundedPaginator
from coupons.admin.formatting import exact_time
from coupons.admin.list_lookups import OfferedLookups
from coupons.admin.rights import HIDDEN, shown_columns
from coupons.admin.typed import WaitlistBase
from coupons.models import Campaign, WaitlistEntry

_REASONS: dict[str, Promise] = {
    "has_place": _("has a coupon by now"),
    "offer_lapsed": _("did not accept the offer in time"),
    "no_time_left": _("too little time was left to use it"),
}


class WaitlistEntryAdmin(OfferedLookups, WaitlistBase):
    list_display = ("number", "shown_user", "campaign", "state", "asked", "place", "skipped")
    list_filter = ("state",)
    list_select_related = ()  # a join could start at the wrong table
    list_per_page = 50
    ordering = ("campaign_id", "number")
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    search_fields = ("campaign",)  # shows the search box; see get_search_results
    search_help_text = _("The campaign's slug")
    paginator = BoundedPaginator
    show_full_result_count = False
    actions = None
    fields = readonly_fields = (
        "campaign", "shown_user", "number", "state", "asked", "place", "offered_until", "skipped",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[WaitlistEntry]:
        """With campaigns by a query for the rows of a page."""
        return super().get_queryset(request).prefetch_related("campaign")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[WaitlistEntry], search_term: str
    ) -> tuple[QuerySet[WaitlistEntry], bool]:
        """By a campaign's slug: its id first, and then along the index of its entries."""
        if not search_term.strip():
            return queryset, False
        campaign = Campaign.objects.filter(slug=search_term.strip()).first()
        return queryset.filter(campaign_id=campaign.pk if campaign else 0), False

    def get_list_display(self, request: HttpRequest) -> Any:
        return shown_columns(request, self.list_display)

    def get_fields(self, request: HttpRequest, obj: WaitlistEntry | None = None) -> Any:
        return shown_columns(request, self.fields)

    def get_readonly_fields(self, request: HttpRequest, obj: WaitlistEntry | None = None) -> Any:
        return shown_columns(request, self.fields)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: WaitlistEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: WaitlistEntry | None = None) -> bool:
        return False

    @admin.display(description=_("user"))
    def shown_user(self, entry: WaitlistEntry) -> str:
        return str(entry.user)

    @admin.display(description=_("user"))
    def hidden_user(self, entry: WaitlistEntry) -> str:
        return HIDDEN

    @admin.display(description=_("asked at"))
    def asked(self, entry: WaitlistEntry) -> str:
        return exact_time(entry.asked_at)

    @admin.display(description=_("offered until"))
    def offered_until(self, entry: WaitlistEntry) -> str:
        return exact_time(entry.offer_until) or str(self.get_empty_value_display())

    @admin.display(description=_("why it was skipped"))
    def skipped(self, entry: WaitlistEntry) -> Any:
        return _REASONS.get(entry.reason, entry.reason) or self.get_empty_value_display()
