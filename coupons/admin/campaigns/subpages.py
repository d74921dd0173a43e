"""The panel on a campaign's page, and the URLs below that page."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from coupons.admin import formatting, row_files
from coupons.admin.campaigns import (
    after_sale,
    commands,
    dead_letters,
    history_files,
    live_json,
    live_panel,
    slot_progress,
    undo_pages,
)
from coupons.admin.campaigns.campaign_paths import campaign_paths, path_without_mysql
from coupons.admin.campaigns.commands import VERBS
from coupons.admin.campaigns.confirmation import confirm_page, from_live
from coupons.admin.campaigns.shown_state import shown_state
from coupons.admin.refusals import show_refusal
from coupons.admin.rights import has_right, may_see_users, require_right, shown_user
from coupons.admin.site import nothing_done
from coupons.admin.typed import CampaignBase
from coupons.audit import labels
from coupons.campaigns import lifecycle
from coupons.errors import CouponError, StoreFailure
from coupons.models import Campaign, CouponLife, CouponState, GivenUp
from coupons.models.rights import Right
from coupons.operations import approvals

EVENTS_SHOWN, REQUESTS_SHOWN = 100, 10
EVENTS_OPEN = 5  # the earlier ones are folded


def _is_public(campaign: Campaign | None) -> bool:
    return campaign is not None and campaign.state != Campaign.State.DRAFT


def panel_context(campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
    """The template's context: state, counts, commands and history."""
    counts = live_panel.counts_of(campaign)
    shown = shown_state(campaign, counts)
    events = [
        (
            formatting.exact_time(event.at),
            formatting.actor_name(event),
            labels.event_text(history_files.masked_event(event, request)),
        )
        for event in campaign.events.all()[:EVENTS_SHOWN]
    ]
    return {
        "campaign": campaign,
        "shown": shown,
        "verbs": [verb for verb in shown.verbs if has_right(request, verb.right)],
        "may_see_users": may_see_users(request),
        "may_copy": request.user.has_perm("coupons.add_campaign"),
        "undos": undo_pages.shown_offers(campaign, request),
        "requests": list(approvals.open_requests(campaign)[:REQUESTS_SHOWN]),
        "held_why": labels.held_reason(shown.held) if shown.held else "",
        "counts": counts,
        "revoked": _revoked_coupons(campaign),
        "after_sale": after_sale.summary_of(campaign, counts),
        "window": formatting.window_text(campaign),
        "events": events,
        "events_newest": events[:EVENTS_OPEN],
        "events_earlier": events[EVENTS_OPEN:],
    }


def _revoked_coupons(campaign: Campaign) -> int:
    """Coupons that were taken back: they count as admitted and stored for ever."""
    rows = CouponLife.objects.filter(campaign=campaign, state=CouponState.REVOKED)
    return rows.count()


class CampaignPages(CampaignBase):
    def get_urls(self) -> list[URLPattern]:
        own = campaign_paths(
            self,
            ("parked/", "parked", self.parked_view),
            ("do/<str:verb>/", "do", self.do_view),
        )
        polled = path_without_mysql(
            self, "live.json", "live_counts", self.live_counts, self.counts_without_mysql
        )
        files = [
            path(
                f"<int:pk>/history.{form}",
                self.admin_site.admin_view(self.history_file),
                {"form": form},
                name=f"coupons_campaign_history_{form}",
            )
            for form in row_files.FORMS
        ]
        return [*files, *own, polled, *super().get_urls()]

    def live_counts(self, request: HttpRequest, pk: int) -> HttpResponse:
        """State and counts as JSON, polled by the campaign's page."""
        return JsonResponse(live_json.panel_json(self._viewable_campaign(request, pk)))

    def counts_without_mysql(self, request: HttpRequest, pk: int) -> HttpResponse:
        return JsonResponse(live_json.panel_json_without_mysql(pk))

    def history_file(self, request: HttpRequest, pk: int, form: str) -> HttpResponseBase:
        """The whole history as a file, as a stream."""
        return history_files.history_file(self._viewable_campaign(request, pk), request, form)

    def parked_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self._viewable_campaign(request, pk)
        context = self.admin_site.each_context(request) | {
            "opts": self.opts, "campaign": campaign,
            "title": _("Parked claims"),
            "subtitle": campaign.slug,
            "may_replay": has_right(request, Right.REPLAY),
            "may_give_up": has_right(request, Right.ASK),
            "given_up": [
                (claim, shown_user(request, claim.user), labels.reason_label(claim.reason))
                for claim in GivenUp.objects.filter(campaign=campaign)[:EVENTS_SHOWN]
            ],
        }  # fmt: skip
        try:
            claims, more = dead_letters.parked_claims_page(
                campaign.slug, after=request.GET.get("after", "")
            )
            shown = [replace(one, user=shown_user(request, one.user)) for one in claims]
            context |= {"claims": shown, "more": more}
        except StoreFailure as away:
            show_refusal(request, away)
        return TemplateResponse(request, "admin/coupons/campaign/parked.html", context)

    def do_view(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        """Show what a command would do; run the command of a button."""
        campaign = self._viewable_campaign(request, pk)
        if verb not in VERBS:
            raise Http404
        require_right(request, VERBS[verb].right)
        if request.method not in ("GET", "HEAD", "POST") or (
            request.method != "POST" and VERBS[verb].at_once
        ):
            return nothing_done(request, "admin:coupons_campaign_change", pk)
        if request.method != "POST":
            questions = commands.asked_by_page(VERBS[verb])
            return confirm_page(self, request, VERBS[verb].label, verb, [(campaign, questions)])
        questions = commands.run_command(VERBS[verb], campaign.slug, request)
        if questions:
            return confirm_page(self, request, VERBS[verb].label, verb, [(campaign, questions)])
        return redirect(f"admin:coupons_campaign_{'live' if from_live(request) else 'change'}", pk)

    def _viewable_campaign(self, request: HttpRequest, pk: int) -> Campaign:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(Campaign, pk=pk)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the campaign's own history on its page: Django's history is empty."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect(reverse("admin:coupons_campaign_change", args=[object_id]) + "#history")

    # Only drafts may be deleted

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """List only the draft, not its tally and history, which are deleted with it."""
        _all, _counts, forbidden, protected = super().get_deleted_objects(objs, request)
        counted = {self.opts.verbose_name_plural: len(objs)}
        return [str(draft) for draft in objs], counted, forbidden, protected

    def has_delete_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        return not _is_public(obj) and super().has_delete_permission(request, obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Without Django's transaction, because slots are removed in batches."""
        campaign = self.get_object(request, object_id)
        if _is_public(campaign) and super().has_delete_permission(request, campaign):
            refusal_text = _("{} can't be deleted: it was public. Only drafts can be deleted.")
            messages.error(request, refusal_text.format(campaign))
            return redirect("admin:coupons_campaign_change", object_id)
        delete_page: Callable[..., HttpResponse] = self._delete_view  # type: ignore[attr-defined]
        try:
            return delete_page(request, object_id, extra_context)
        except CouponError as refusal:
            show_refusal(request, refusal)
            return redirect("admin:coupons_campaign_change", object_id)

    def delete_model(self, request: HttpRequest, obj: Campaign) -> None:
        lifecycle.remove_slots(obj, tell=slot_progress.stop_after_request_time(request, obj.slug))
        lifecycle.delete_draft(obj)
