"""The admin of campaigns. The form calls `coupons.campaigns.lifecycle`, which decides."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coupons.admin.attempts import why_page
from coupons.admin.campaigns import (
    copies,
    past_windows,
    readiness_page,
    rehearsal_page,
    repair_pages,
    report_page,
    revision,
    subpages,
    terms_preview,
    undo_pages,
)
from coupons.admin.campaigns.actions import ListActions
from coupons.admin.campaigns.amounts import AmountField, ShownAmounts
from coupons.admin.campaigns.confirmation import confirmed_questions
from coupons.admin.campaigns.fieldsets import EVERYTHING, form_fieldsets, shown_fields
from coupons.admin.campaigns.forms import CHANGEABLE, CampaignForm, number_bounds
from coupons.admin.campaigns.listing import CampaignList
from coupons.admin.campaigns.moments import MomentField, MomentInput
from coupons.admin.formatting import exact_time
from coupons.admin.live import pages as live_pages
from coupons.admin.rights import has_right, require_right
from coupons.admin.typed import CampaignFormBase
from coupons.campaigns import lifecycle
from coupons.errors import CouponError, NeedsConfirmation
from coupons.models import Campaign
from coupons.models.rights import Right

State = Campaign.State
# Of a public campaign, each by its own right.
_REVISED_BY = {
    "stock": Right.CHANGE_STOCK,
    "opens_at": Right.RESCHEDULE,
    "closes_at": Right.RESCHEDULE,
}


class CampaignAdmin(
    terms_preview.TermsPreview,
    live_pages.LivePages,
    subpages.CampaignPages,
    readiness_page.BoardPages,
    rehearsal_page.RehearsalPages,
    repair_pages.RepairPages,
    why_page.WhyPages,
    report_page.ReportPages,
    undo_pages.UndoPages,
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
        return [
            *(confirmation if isinstance(refusal, NeedsConfirmation) else []),
            *form_fieldsets(frozen, is_new=obj is None),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Campaign | None = None) -> list[str]:
        frozen = self._frozen(request, obj)
        return shown_fields(frozen, frozen)

    def _frozen(self, request: HttpRequest, campaign: Campaign | None) -> list[str]:
        """Read-only fields: none of a draft; all but stock and window once it is public, and these
        without their rights."""
        if campaign is None:
            return []
        if campaign.state == State.CLOSED or not self.has_change_permission(request, campaign):
            return list(EVERYTHING)
        if campaign.state == State.DRAFT:
            return []
        open_to = {name for name in CHANGEABLE if has_right(request, _REVISED_BY[name])}
        return sorted(set(EVERYTHING) - open_to)

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
        if request.method == "POST" and object_id is not None:
            self._require_revision(request, object_id)
        try:
            return form_page(request, object_id, form_url, extra_context)
        except (CouponError, ValidationError) as refusal:
            vars(request)["refusal"] = refusal
            return form_page(request, object_id, form_url, extra_context)

    def _require_revision(self, request: HttpRequest, object_id: str) -> None:
        """Refuse fields of a public campaign that were sent without their rights."""
        campaign = self.get_object(request, object_id)
        if campaign is None or campaign.state in (State.DRAFT, State.CLOSED):
            return
        for name, right in _REVISED_BY.items():
            if name in request.POST:
                require_right(request, right)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        source = copies.copied_campaign(request)
        given: dict[str, Any] = super().get_changeform_initial_data(request)
        return copies.copied_values(source) if source else given

    def save_model(
        self, request: HttpRequest, obj: Campaign, form: CampaignFormBase, change: bool
    ) -> None:
        actor = request.user.get_username()
        if obj.state == State.DRAFT:
            source = None if change else copies.copied_campaign(request)
            lifecycle.save_draft(
                obj,
                actor=actor,
                confirmed=confirmed_questions(request),
                copied_from=source.slug if source else "",
            )
            past_windows.warn_of_past(request, obj)
        else:
            revision.revise_campaign(obj, form, request)

    def message_user(self, request: HttpRequest, message: Any, *args: Any, **kwargs: Any) -> None:
        """Not Django's "was changed", where a sentence of ours has said what was."""
        if not vars(request).get(revision.SAID):
            super().message_user(request, message, *args, **kwargs)

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
        context["terms_preview"] = terms_preview.form_preview(context["adminform"].form)
        if obj is not None:
            past_windows.mark_past_fields(context["adminform"].form, obj)
            context.update(
                subpages.panel_context(Campaign.objects.get(pk=obj.pk), request)
            )  # as stored, not as typed
            if not self._may_save(request, obj):
                context.update(show_save=False, show_save_and_continue=False)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _may_save(self, request: HttpRequest, campaign: Campaign) -> bool:
        if campaign.state == State.DRAFT:
            return True  # Django asks for its own right
        rights = _REVISED_BY.values()
        return campaign.state != State.CLOSED and any(has_right(request, one) for one in rights)
