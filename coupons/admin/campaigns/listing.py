"""The list of campaigns, with the live counts of a whole page in one round trip."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from coupons.admin import formatting
from coupons.admin.campaigns import live_panel, shown_state
from coupons.admin.campaigns.live_panel import Counts
from coupons.admin.typed import CampaignBase
from coupons.models import Campaign


class LiveChangeList(ChangeList):
    """Adds `counts` and `shown_state` to each campaign of the page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        page: list[Campaign] = list(self.result_list)
        counts = live_panel.live_counts(page)
        labels = shown_state.state_labels(page, counts)
        for campaign in page:
            vars(campaign).update(counts=counts[campaign.pk], shown_state=labels[campaign.pk])
        for note in {one.note for one in counts.values() if one.note and not one.lost}:
            messages.warning(request, note)
        lost = [campaign.slug for campaign in page if counts[campaign.pk].lost]
        if lost:
            text = gettext("Redis has lost these campaigns: %s. They are closed for repair.")
            messages.error(request, text % ", ".join(lost))
        self.result_list = page


class CampaignList(CampaignBase):
    list_display = (
        "slug", "name", "current_state", "supply", "admitted", "stored", "waiting", "parked",
        "remaining", "window", "road",
    )  # fmt: skip
    list_filter = ("state", "strategy")
    search_fields = ("slug", "name")
    list_per_page = 50

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LiveChangeList

    @admin.display(description=_("state"), ordering="state")
    def current_state(self, campaign: Campaign) -> str:
        label: str = vars(campaign)["shown_state"]
        return label

    @admin.display(description=_("strategy"), ordering="strategy")
    def road(self, campaign: Campaign) -> str:
        return campaign.get_strategy_display().partition(":")[0]

    @admin.display(description=_("window"), ordering="opens_at")
    def window(self, campaign: Campaign) -> str:
        return formatting.window_text(campaign)

    @admin.display(description=_("stock"), ordering="stock")
    def supply(self, campaign: Campaign) -> str:
        return formatting.grouped_number(campaign.stock)

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

    @admin.display(description=_("remaining"))
    def remaining(self, campaign: Campaign) -> str:
        return formatting.grouped_number(_counts(campaign).remaining)


def _counts(campaign: Campaign) -> Counts:
    counts: Counts = vars(campaign)["counts"]
    return counts
