"""Pages for parked claims, and for receipts of lost claims."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from coupons.admin import formatting
from coupons.admin.campaigns.campaign_paths import campaign_paths
from coupons.admin.campaigns.dead_letters import ENTRY_ID
from coupons.admin.refusals import show_refusal
from coupons.admin.rights import has_right, require_right
from coupons.admin.site import nothing_done
from coupons.admin.typed import CampaignBase
from coupons.database.availability import require_database
from coupons.errors import CouponError
from coupons.issuing import dead_letters, receipt_status
from coupons.issuing.receipt_status import Fate, ReceiptStatus
from coupons.models import Campaign
from coupons.models.rights import Right
from coupons.operations import approvals
from coupons.recovery.honour import honour_receipt
from coupons.redemption.transition import read_coupon

FATES: dict[Fate, Promise] = {
    Fate.ISSUED: gettext_lazy("issued: its coupon is stored"),
    Fate.QUEUED: gettext_lazy("on its way: its claim waits to be stored, or is parked"),
    Fate.GIVEN_UP: gettext_lazy("given up by an operator"),
    Fate.LOST: gettext_lazy("lost: neither store knows of its claim"),
}


class RepairPages(CampaignBase):
    def get_urls(self) -> list[URLPattern]:
        own = campaign_paths(
            self,
            ("parked/do/", "parked_do", self.parked_do_view),
            ("receipt/", "receipt", self.receipt_view),
        )
        return own + super().get_urls()

    def parked_do_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Replay the chosen claims, or ask to give them up with a reason."""
        if request.method != "POST":
            return nothing_done(request, "admin:coupons_campaign_parked", pk)
        gives_up = "give_up" in request.POST
        campaign = self._repairable(request, pk, Right.ASK if gives_up else Right.REPLAY)
        ids = [id for id in request.POST.getlist("entry") if ENTRY_ID.fullmatch(id)]
        if not ids:
            messages.warning(request, _("No claim was chosen."))
        elif gives_up:
            _give_up(request, campaign.slug, ids)
        else:
            _replay(request, campaign.slug, ids)
        return redirect("admin:coupons_campaign_parked", pk)

    def receipt_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the status of a receipt, and honour it if its claim was lost."""
        honours = "honour" in request.POST
        campaign = self._repairable(request, pk, Right.VIEW_USER_IDS)
        if honours:
            require_right(request, Right.HONOUR)
        token = request.POST.get("receipt", "").strip()
        context = self.admin_site.each_context(request) | {
            "opts": self.opts, "campaign": campaign, "title": _("A receipt"),
            "subtitle": campaign.slug, "token": token,
        }  # fmt: skip
        if token:
            context |= _receipt_context(request, campaign, token, honour=honours)
        return TemplateResponse(request, "admin/coupons/campaign/receipt.html", context)

    def _repairable(self, request: HttpRequest, pk: int, right: Right) -> Campaign:
        if not self.has_view_permission(request):
            raise PermissionDenied
        require_right(request, right)
        return get_object_or_404(Campaign, pk=pk)


def _replay(request: HttpRequest, slug: str, ids: list[str]) -> None:
    try:
        count = dead_letters.replay_parked(slug, actor=request.user.get_username(), ids=ids)
    except CouponError as refusal:
        show_refusal(request, refusal)
    else:
        text = ngettext("%s claim is back on the queue.", "%s claims are back on the queue.", count)
        messages.success(request, text % formatting.grouped_number(count))


def _give_up(request: HttpRequest, slug: str, ids: list[str]) -> None:
    """Ask for it: it can't be undone."""
    why, actor = request.POST.get("why", ""), request.user.get_username()
    try:
        approvals.ask_give_up(slug, ids, actor=actor, reason=why)
    except (CouponError, ValidationError) as refusal:
        show_refusal(request, refusal)
    else:
        text = ngettext(
            "To give up %s claim waits for another person's approval now.",
            "To give up %s claims waits for another person's approval now.",
            len(ids),
        )
        messages.success(request, text % formatting.grouped_number(len(ids)))


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
        show_refusal(request, refusal)
        return {}
    if finding is None:
        messages.error(request, _("This is not a receipt of this campaign."))
        return {}
    return {
        "finding": finding,
        "fate": FATES[finding.fate],
        "coupon_state": _coupon_state(finding),
        "coupon_pk": finding.coupon.pk if finding.coupon else None,
        "admitted": formatting.exact_ms(finding.receipt.admitted_ms),
        "may_honour": finding.fate is Fate.LOST and has_right(request, Right.HONOUR),
    }


def _coupon_state(finding: ReceiptStatus) -> str:
    """What the stored coupon reads as now, which may be revoked; "": it is not stored."""
    if finding.coupon is None:
        return ""
    with require_database():
        found = read_coupon(pk=finding.coupon.pk)
    return str(found.life.state_at(found.now).label)
