"""The admin of campaigns. The form calls `coupons.campaigns.lifecycle`, which decides."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coupons.admin.campaigns import readiness_page, repair_pages, slot_progress, subpages
from coupons.admin.campaigns.actions import ListActions
from coupons.admin.campaigns.amounts import SHOWN_BY, AmountField, ShownAmounts
from coupons.admin.campaigns.confirmation import confirmed_questions
from coupons.admin.campaigns.forms import AFTER_CLAIM, CHANGEABLE, CampaignForm, number_bounds
from coupons.admin.campaigns.listing import CampaignList
from coupons.admin.campaigns.moments import MomentField, MomentInput
from coupons.admin.formatting import exact_time
from coupons.admin.typed import CampaignFormBase
from coupons.campaigns import lifecycle, slots
from coupons.errors import CouponError, NeedsConfirmation
from coupons.models import Campaign

State = Campaign.State
_SALE = ("slug", "name", "strategy", "stock", "per_user", "audience")
_WINDOW = ("opens_at", "closes_at")
_ANNOUNCEMENT = ("announced_at", "is_listed")
_TERMS = (
    "discount", "discount_value", "currency", "minimum_order", "discount_cap", "valid_until",
    "valid_days",
)  # fmt: skip
# A read-only moment is shown by a method: Django's own format ends at the minute.
_EXACT = {
    "opens_at": "opening",
    "closes_at": "closing",
    "valid_until": "valid_to",
    "announced_at": "announcement",
} | SHOWN_BY


class CampaignAdmin(
    subpages.CampaignPages,
    readiness_page.BoardPages,
    repair_pages.RepairPages,
    ListActions,
    ShownAmounts,
    CampaignList,
):
    form = CampaignForm
    formfield_overrides = {
        models.DateTimeField: {"form_class": MomentField, "widget": MomentInput},
        models.DecimalField: {"form_class": AmountField},
    }

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """With the bounds of the model's validators: Django's own would say 0 instead of 1."""
        bounds = number_bounds(db_field) if isinstance(db_field, models.IntegerField) else {}
        return super().formfield_for_dbfield(db_field, request, **(bounds | kwargs))

    def get_fieldsets(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        frozen = self._frozen(request, obj)
        refusal = vars(request).get("refusal")
        confirmation = [(_("Is that meant?"), {"fields": ["confirmed"]})]
        zone = _("All times are in the time zone %s.") % timezone.get_current_timezone_name()
        return [
            *(confirmation if isinstance(refusal, NeedsConfirmation) else []),
            (None, {"fields": _shown(_SALE, frozen)}),
            (_("Window"), {"fields": _shown(_WINDOW, frozen), "description": zone}),
            (_("Announcement"), {"fields": _shown(_ANNOUNCEMENT, frozen)}),
            (_("Terms"), {"fields": _shown(_TERMS, frozen)}),
            (_("After the claim"), {"fields": _shown(AFTER_CLAIM, frozen)}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Campaign | None = None) -> list[str]:
        frozen = self._frozen(request, obj)
        return _shown(frozen, frozen)

    def _frozen(self, request: HttpRequest, campaign: Campaign | None) -> list[str]:
        """Read-only fields: none of a draft; all but stock and window once it is public."""
        everything = [*_SALE, *_WINDOW, *_ANNOUNCEMENT, *_TERMS, *AFTER_CLAIM]
        if campaign is None:
            return []
        if campaign.state == State.CLOSED or not self.has_change_permission(request, campaign):
            return everything
        return [] if campaign.state == State.DRAFT else sorted(set(everything) - set(CHANGEABLE))

    @admin.display(description=gettext_lazy("opens at"))
    def opening(self, campaign: Campaign) -> str:
        return exact_time(campaign.opens_at)

    @admin.display(description=gettext_lazy("closes at"))
    def closing(self, campaign: Campaign) -> str:
        return exact_time(campaign.closes_at)

    @admin.display(description=gettext_lazy("announced at"))
    def announcement(self, campaign: Campaign) -> str:
        return exact_time(campaign.announced_at) or _("as soon as it is scheduled")

    @admin.display(description=gettext_lazy("valid until"))
    def valid_to(self, campaign: Campaign) -> str:
        return exact_time(campaign.valid_until) or self.get_empty_value_display()

    def get_form(
        self, request: HttpRequest, obj: Campaign | None = None, change: bool = False, **kwargs: Any
    ) -> type[CampaignFormBase]:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.refusal = vars(request).get("refusal")  # the class is made for this request only
        form_class: type[CampaignFormBase] = form
        return form_class

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Without Django's transaction, because `lifecycle` has its own order of commits. A refusal
        is shown in the form, with the typed values."""
        form_page: Callable[..., HttpResponse] = self._changeform_view  # type: ignore[attr-defined]
        try:
            return form_page(request, object_id, form_url, extra_context)
        except (CouponError, ValidationError) as refusal:
            vars(request)["refusal"] = refusal
            return form_page(request, object_id, form_url, extra_context)

    def save_model(
        self, request: HttpRequest, obj: Campaign, form: CampaignFormBase, change: bool
    ) -> None:
        actor = request.user.get_username()
        if obj.state == State.DRAFT:
            lifecycle.save_draft(obj, actor=actor, confirmed=confirmed_questions(request))
        else:
            _revise(obj, set(form.changed_data), request)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Campaign | None = None,
    ) -> HttpResponse:
        context["show_save_and_add_another"] = False
        if obj is not None:
            context.update(
                subpages.panel_context(Campaign.objects.get(pk=obj.pk))
            )  # as stored, not as typed
            if obj.state == State.CLOSED:
                context.update(show_save=False, show_save_and_continue=False)
        return super().render_change_form(request, context, add, change, form_url, obj)


def _revise(edited: Campaign, changed: set[str], request: HttpRequest) -> None:
    """One call for the fields that the operator changed. Saving without a change completes an
    interrupted change of the stock."""
    stored = Campaign.objects.get(
        pk=edited.pk
    )  # the form truncates an unchanged moment to the millisecond
    opens_at = edited.opens_at if "opens_at" in changed else stored.opens_at
    closes_at = edited.closes_at if "closes_at" in changed else stored.closes_at
    moved = changed & set(_WINDOW)
    actor, tell = (
        request.user.get_username(),
        slot_progress.stop_after_request_time(request, edited.slug),
    )
    if "stock" in changed and moved:
        lifecycle.revise_campaign(
            edited.slug,
            stock=edited.stock,
            opens_at=opens_at,
            closes_at=closes_at,
            actor=actor,
            confirmed=confirmed_questions(request),
            tell=tell,
        )
    elif "stock" in changed:
        lifecycle.change_stock(edited.slug, stock=edited.stock, actor=actor, tell=tell)
    elif moved:
        lifecycle.reschedule(
            edited.slug,
            opens_at=opens_at,
            closes_at=closes_at,
            actor=actor,
            confirmed=confirmed_questions(request),
        )
    elif slots.count_slots(stored) != stored.stock:
        lifecycle.change_stock(edited.slug, stock=stored.stock, actor=actor, tell=tell)


def _shown(names: tuple[str, ...] | list[str], frozen: list[str]) -> list[str]:
    return [_EXACT.get(name, name) if name in frozen else name for name in names]
