"""The admin of coupons: their rows are read-only. No page reads more rows than it shows."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from coupons.admin.coupons import download, search
from coupons.admin.coupons.keyset_list import KeysetChangeList
from coupons.admin.coupons.life_panel import LifePages
from coupons.admin.formatting import exact_time
from coupons.admin.list_lookups import OfferedLookups
from coupons.admin.rights import HIDDEN, may_see_users, shown_columns
from coupons.audit.reads import record_read
from coupons.claims import coupon_codes
from coupons.claims.limits import slot_id
from coupons.database import clock
from coupons.models import Act, Campaign, Coupon, CouponLife, CouponState
from coupons.redemption import states

CAMPAIGNS_OFFERED = 30
_LARGEST_SLOT = 2**63 - 1


class CampaignFilter(admin.SimpleListFilter):
    """Filter by a campaign's slug: a range of the primary key. Offers the newest campaigns."""

    title = _("campaign")
    parameter_name = "campaign"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        public = Campaign.objects.exclude(state=Campaign.State.DRAFT)
        slugs = list(public.values_list("slug", flat=True)[:CAMPAIGNS_OFFERED])
        chosen = self.value()
        if chosen and chosen not in slugs:
            slugs.append(chosen)
        return [(slug, slug) for slug in slugs]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Coupon]) -> QuerySet[Coupon]:
        if not self.value():
            return queryset
        campaign_id = _id_of(self.value())
        if campaign_id is None:
            return queryset.none()
        return queryset.filter(pk__gt=slot_id(campaign_id, 0), pk__lt=slot_id(campaign_id + 1, 0))


class StateFilter(admin.SimpleListFilter):
    """Filter a campaign's coupons by their recorded state, along an index of their lives. Most
    coupons are issued, and have no life: they are what the list shows without it."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        if not request.GET.get(CampaignFilter.parameter_name):
            return []
        return [(state.value, state.label) for state in RECORDED]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Coupon]) -> QuerySet[Coupon]:
        """Narrows what a search found; the list itself is narrowed page by page."""
        return queryset.filter(life__state=self.value()) if self.value() else queryset


RECORDED = [state for state in CouponState if state is not CouponState.ISSUED]


class CouponChangeList(KeysetChangeList):
    """With a state chosen, a page is read from the index of lives first: the optimiser could start
    at the coupons, most of which have another state."""

    def narrowed(self, queryset: QuerySet[Any], count: int) -> QuerySet[Any]:
        state = self.get_filters_params().get(StateFilter.parameter_name)
        campaign_id = _id_of(self.filter_value(CampaignFilter.parameter_name))
        if state is None or campaign_id is None or self.query:
            return queryset
        chosen = self.filter_value(StateFilter.parameter_name)
        lives = CouponLife.objects.filter(campaign_id=campaign_id, state=chosen)
        return queryset.filter(pk__in=self.nearest_keys(lives, count))

    def filter_value(self, name: str) -> str | None:
        values = self.get_filters_params().get(name)
        return values[-1] if isinstance(values, list) else values


class CouponAdmin(OfferedLookups, LifePages):
    list_display = ("address", "shown_user", "shown_code", "admitted", "state")
    list_display_links = ("address",)
    list_filter = (CampaignFilter, StateFilter)
    list_per_page = 100
    list_select_related = ()  # a join could start at the wrong table
    search_fields = ("user",)  # shows the search box; see get_search_results
    search_help_text = _(
        "Exactly one of: user, code (case and hyphens don't matter), campaign/place, or a place "
        "within the chosen campaign."
    )
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    sortable_by = ()
    actions = None
    fields = (
        "campaign_link", "place", "shown_user", "nth", "shown_code", "admitted", "stored",
        "expires", "request_id",
    )  # fmt: skip

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CouponChangeList

    def get_list_display(self, request: HttpRequest) -> Any:
        return shown_columns(request, self.list_display)

    def get_fields(self, request: HttpRequest, obj: Coupon | None = None) -> Any:
        return shown_columns(request, self.fields)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Coupon]:
        """With campaigns and lives by a query each for the rows of a page, and the database's clock
        as `now`, by which a state reads."""
        rows = super().get_queryset(request).annotate(now=clock.Now())
        return rows.prefetch_related("campaign", "life")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if download.PARAMETER in request.GET and self.has_view_permission(request):
            return download.download_coupons(request)  # type: ignore[return-value] # a stream
        return super().changelist_view(request, {"title": _("Coupons"), **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {"title": _("Coupon"), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Coupon], search_term: str
    ) -> tuple[QuerySet[Coupon], bool]:
        if not search_term.strip():
            return queryset, False
        chosen = request.GET.get(CampaignFilter.parameter_name)
        slots = search.matching_slots(
            search_term, campaign_id=_id_of(chosen), by_user=may_see_users(request)
        )
        if slots and may_see_users(request):
            record_read(kind="coupon", id=search_term.strip(), verb=Act.SEARCHED)
        if len(slots) >= search.MOST_FOUND:
            text = gettext("Only the newest %s coupons of this user can be shown.")
            messages.warning(request, text % search.MOST_FOUND)
        return queryset.filter(pk__in=slots), False

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Coupon | None:
        if not (object_id.isascii() and object_id.isdigit() and len(object_id) <= 19):
            return None
        if from_field is not None or int(object_id) > _LARGEST_SLOT:
            return None
        return super().get_object(request, object_id)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Coupon | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Coupon | None = None) -> bool:
        return False

    @admin.display(description=_("campaign/place"))
    def address(self, coupon: Coupon) -> str:
        return f"{coupon.campaign.slug}/{coupon.place}"

    @admin.display(description=_("state"))
    def state(self, coupon: Coupon) -> str:
        now: datetime = coupon.now  # type: ignore[attr-defined] # annotated by `get_queryset`
        return str(states.life_of(coupon).state_at(now).label)

    @admin.display(description=_("campaign"))
    def campaign_link(self, coupon: Coupon) -> SafeString:
        url = reverse("admin:coupons_campaign_change", args=[coupon.campaign_id])
        return format_html('<a href="{}">{}</a>', url, coupon.campaign.slug)

    @admin.display(description=_("user"))
    def shown_user(self, coupon: Coupon) -> str:
        return str(coupon.user)

    @admin.display(description=_("user"))
    def hidden_user(self, coupon: Coupon) -> str:
        return HIDDEN

    @admin.display(description=_("code"))
    def shown_code(self, coupon: Coupon) -> str:
        return coupon_codes.grouped_code(coupon.code)

    @admin.display(description=_("code"))
    def hidden_code(self, coupon: Coupon) -> str:
        return HIDDEN

    @admin.display(description=_("admitted at"))
    def admitted(self, coupon: Coupon) -> str:
        return exact_time(coupon.admitted_at)

    @admin.display(description=_("stored at"))
    def stored(self, coupon: Coupon) -> str:
        return exact_time(coupon.stored_at)

    @admin.display(description=_("expires at"))
    def expires(self, coupon: Coupon) -> str:
        return exact_time(coupon.expires_at)


def _id_of(slug: str | None) -> int | None:
    return Campaign.objects.filter(slug=slug).values_list("pk", flat=True).first() if slug else None
