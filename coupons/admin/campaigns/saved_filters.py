"""The list's saved filters: what opens today, and what needs attention."""

from datetime import datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from coupons.admin.campaigns import attention
from coupons.admin.campaigns.attention import Watched
from coupons.claims.timestamps import local_time
from coupons.database import clock
from coupons.models import Campaign

TODAY, ATTENTION = "today", "attention"


class SavedFilter(admin.SimpleListFilter):
    """Shown above the list, with counts, not beside it."""

    title = _("saved filters")
    parameter_name = "show"
    template = "admin/coupons/campaign/saved_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(TODAY, _("opening today")), (ATTENTION, _("needs attention"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> QuerySet[Campaign]:
        if self.value() == TODAY:
            return opening_today(queryset, asked_at(request))
        if self.value() == ATTENTION:
            return queryset.filter(pk__in=watched(request).concerns)
        return queryset


def asked_at(request: HttpRequest) -> datetime:
    """The database's time, read once for a request."""
    known: datetime | None = vars(request).get("asked_at")
    if known is None:
        known = vars(request)["asked_at"] = clock.read_now()
    return known


def watched(request: HttpRequest) -> Watched:
    """What needs attention, found once for a request."""
    known: Watched | None = vars(request).get("watched")
    if known is None:
        known = vars(request)["watched"] = attention.watch_campaigns(asked_at(request))
    return known


def opening_today(campaigns: QuerySet[Campaign], now: datetime) -> QuerySet[Campaign]:
    """Those that open between two midnights of the page's time zone, drafts too."""
    zone = timezone.get_current_timezone()
    day = local_time(now).date()
    first, last = (
        datetime.combine(one, time.min, tzinfo=zone) for one in (day, day + timedelta(days=1))
    )
    return campaigns.filter(opens_at__gte=first, opens_at__lt=last)
