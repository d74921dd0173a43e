"""The list of campaigns, with the live counts of a whole page in one round trip."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from coupons.admin import formatting
from coupons.admin.campaigns import attention, badges, live_panel, saved_filters
from coupons.admin.campaigns.live_panel import Counts
from coupons.admin.campaigns.saved_filters import ATTENTION, TODAY, SavedFilter
from coupons.admin.list_lookups import OfferedLookups
from coupons.admin.typed import CampaignBase
from coupons.models import Campaign


@dataclass(frozen=True, slots=True)
class SavedLink:
    """`query`: the list's query string; `count` None: not counted."""

    label: Any
    query: str
    selected: bool
    count: int | None = None
    is_trouble: bool = False


class LiveChangeList(ChangeList):
    """Adds `counts` and `concerns` to each campaign of the page, and the saved filters."""

    saved_filters: list[SavedLink]

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        page: list[Campaign] = list(self.result_list)
        counts = live_panel.live_counts(page)
        concerns = attention.concerns_of(page, counts)
        known = saved_filters.watched(request).concerns  # with the boards of near openings
        for campaign in page:
            found = known.get(campaign.pk) or concerns.get(campaign.pk, [])
            vars(campaign).update(counts=counts[campaign.pk], concerns=found)
        for note in {one.note for one in counts.values() if one.note and not one.lost}:
            messages.warning(request, note)
        lost = [campaign.slug for campaign in page if counts[campaign.pk].lost]
        if lost:
            text = gettext("Redis has lost these campaigns: %s. They are closed for repair.")
            messages.error(request, text % ", ".join(lost))
        self.result_list = page
        self.saved_filters = self._saved_filters(request)

    def _saved_filters(self, request: HttpRequest) -> list[SavedLink]:
        name = SavedFilter.parameter_name
        chosen = request.GET.get(name)
        today = saved_filters.opening_today(Campaign.objects.all(), saved_filters.asked_at(request))
        troubled = len(saved_filters.watched(request).concerns)
        return [
            SavedLink(_("all"), self.get_query_string(remove=[name]), chosen is None),
            SavedLink(
                _("opening today"), self.get_query_string({name: TODAY}, ["p"]), chosen == TODAY,
                today.count(),
            ),
            SavedLink(
                _("needs attention"), self.get_query_string({name: ATTENTION}, ["p"]),
                chosen == ATTENTION, troubled, troubled > 0,
            ),
        ]  # fmt: skip


class CampaignList(OfferedLookups, CampaignBase):
    list_display = (
        "title", "current_state", "remaining", "admitted", "stored", "waiting", "parked", "window",
    )  # fmt: skip
    list_filter = (SavedFilter, "state", "strategy")
    search_fields = ("slug", "name")
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LiveChangeList

    @admin.display(description=_("campaign"), ordering="name")
    def title(self, campaign: Campaign) -> SafeString:
        return format_html(
            '<span class="name">{}</span> <span class="slug">{}</span>',
            campaign.name,
            campaign.slug,
        )

    @admin.display(description=_("state"), ordering="state")
    def current_state(self, campaign: Campaign) -> SafeString:
        concerns = vars(campaign)["concerns"]
        return badges.badge_and_concerns(campaign, _counts(campaign), concerns)

    @admin.display(description=_("window"), ordering="opens_at")
    def window(self, campaign: Campaign) -> str:
        return formatting.short_window(campaign)

    @admin.display(description=_("admitted"))
    def admitted(self, campaign: Campaign) -> str:
        return formatting.grouped_number(_counts(campaign).admitted)

    @admin.display(description=_("stored"))
    def stored(self, campaign: Campaign) -> str:
        return formatting.grouped_number(_counts(campaign).stored)

    @admin.display(description=_("waiting"))
    def waiting(self, campaign: Campaign) -> str:
        return formatting.grouped_number(_counts(campaign).waiting)

    @admin.display(description=_("parked"))
    def parked(self, campaign: Campaign) -> str:
        count = _counts(campaign).parked
        if not count:
            return formatting.grouped_number(count)
        url = reverse("admin:coupons_campaign_parked", args=[campaign.pk])
        return format_html('<a href="{}">{}</a>', url, formatting.grouped_number(count))

    @admin.display(description=_("remaining of stock"), ordering="stock")
    def remaining(self, campaign: Campaign) -> SafeString:
        return format_html(
            '<b>{}</b> <span class="of">/ {}</span>',
            formatting.grouped_number(_counts(campaign).remaining),
            formatting.grouped_number(campaign.stock),
        )


def _counts(campaign: Campaign) -> Counts:
    counts: Counts = vars(campaign)["counts"]
    return counts
