"""Pages for parked claims, and for receipts of lost claims."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from coupons.admin import formatting
from coupons.admin.campaigns.dead_letters import ENTRY_ID
from coupons.admin.site import nothing_done
from coupons.admin.typed import CampaignBase
from coupons.errors import CouponError
from coupons.issuing import dead_letters, receipt_status
from coupons.issuing.receipt_status import Fate, ReceiptStatus
from coupons.models import Campaign
from coupons.recovery.honour import honour_receipt

FATES: dict[Fate, Promise] = {
    Fate.ISSUED: gettext_lazy("issued: its coupon is stored"),
    Fate.QUEUED: gettext_lazy("on its way: its claim waits to be stored, or is parked"),
    Fate.GIVEN_UP: gettext_lazy("given up by an operator"),
    Fate.LOST: gettext_lazy("lost: neither store knows of its claim"),
}


class RepairPages(CampaignBase):
    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(view),
                name=f"coupons_campaign_{label}",
            )
            for name, label, view in (
                ("parked/do", "parked_do", self.parked_do_view),
                ("receipt", "receipt", self.receipt_view),
            )
        ]
        return own + super().get_urls()

    def parked_do_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Replay the chosen claims, or give them up with a reason."""
        if request.method != "POST":
            return nothing_done(request, "admin:coupons_campaign_parked", pk)
        campaign = self._may_change(request, pk)
        ids = [id for id in request.POST.getlist("entry") if ENTRY_ID.fullmatch(id)]
        if not ids:
            messages.warning(request, _("No claim was chosen."))
        elif "give_up" in request.POST:
            _give_up(request, campaign.slug, ids)
        else:
            _replay(request, campaign.slug, ids)
        return redirect("admin:coupons_campaign_parked", pk)

    def receipt_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the status of a receipt, and honour it if its claim was lost."""
        campaign = self._may_change(request, pk)
        token = request.POST.get("receipt", "").strip()
        context = self.admin_site.each_context(request) | {
            "opts": self.opts, "campaign": campaign, "title": _("A receipt"),
            "subtitle": campaign.slug, "token": token,
        }  # fmt: skip
        if token:
            context |= _receipt_context(request, campaign, token, honour="honour" in request.POST)
        return TemplateResponse(request, "admin/coupons/campaign/receipt.html", context)

    def _may_change(self, request: HttpRequest, pk: int) -> Campaign:
        if not self.has_change_permission(request):
            raise PermissionDenied
        return get_object_or_404(Campaign, pk=pk)


def _replay(request: HttpRequest, slug: str, ids: list[str]) -> None:
    try:
        count = dead_letters.replay_parked(slug, actor=request.user.get_username(), ids=ids)
    except CouponError as refusal:
        messages.error(request, formatting.refusal_text(refusal))
    else:
        text = ngettext("%s claim is back on the queue.", "%s claims are back on the queue.", count)
        messages.success(request, text % formatting.grouped_number(count))


def _give_up(request: HttpRequest, slug: str, ids: list[str]) -> None:
    why, actor = request.POST.get("why", ""), request.user.get_username()
    count = 0
    try:
        for entry in ids:
            dead_letters.give_up(slug, entry, why=why, actor=actor)
            count += 1
    except CouponError as refusal:
        messages.error(request, formatting.refusal_text(refusal))
    if count:
        text = ngettext("%s claim was given up.", "%s claims were given up.", count)
        messages.success(request, text % formatting.grouped_number(count))


def _receipt_context(
    request: HttpRequest, campaign: Campaign, token: str, *, honour: bool
) -> dict[str, Any]:
    """The template's context for a receipt; empty if it is not a receipt of this campaign."""
    try:
        finding = receipt_status.verify_receipt(token)
        if finding is not None and finding.receipt.campaign != campaign.slug:
            finding = None
        if honour and finding is not None:
            coupon = honour_receipt(token, actor=request.user.get_username())
            finding = ReceiptStatus(finding.receipt, Fate.ISSUED, coupon)
            messages.success(request, _("Honoured: the coupon is stored on its place."))
    except CouponError as refusal:
        messages.error(request, formatting.refusal_text(refusal))
        return {}
    if finding is None:
        messages.error(request, _("This is not a receipt of this campaign."))
        return {}
    return {
        "finding": finding,
        "fate": FATES[finding.fate],
        "admitted": formatting.exact_ms(finding.receipt.admitted_ms),
        "may_honour": finding.fate is Fate.LOST,
    }
