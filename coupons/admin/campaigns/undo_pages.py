"""The buttons that undo what was done to a campaign in the last ten minutes."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern
from django.utils.translation import gettext as _

from coupons.admin.campaigns.campaign_paths import campaign_paths
from coupons.admin.formatting import stock_sentence
from coupons.admin.refusals import show_refusal
from coupons.admin.rights import has_right, require_right
from coupons.admin.site import nothing_done
from coupons.admin.typed import CampaignBase
from coupons.errors import CouponError
from coupons.models import Campaign, EventKind, Undoable, UndoableVerb
from coupons.models.rights import Right
from coupons.operations import undo, undo_offers
from coupons.operations.undo_offers import Offer

NEEDED = {
    UndoableVerb.PAUSE: Right.PAUSE,
    UndoableVerb.STOCK: Right.CHANGE_STOCK,
    UndoableVerb.REVOKE: Right.REVOKE,
    UndoableVerb.GRANTS: Right.REVOKE,
}


def shown_offers(campaign: Campaign, request: HttpRequest) -> list[Offer]:
    """What this operator may undo now."""
    offers = undo_offers.offered_undos(campaign)
    return [offer for offer in offers if has_right(request, NEEDED[offer.verb])]


class UndoPages(CampaignBase):
    def get_urls(self) -> list[URLPattern]:
        own = campaign_paths(self, ("undo/<int:one>/", "undo", self.undo_view))
        return own + super().get_urls()

    def undo_view(self, request: HttpRequest, pk: int, one: int) -> HttpResponse:
        """Undo what a button names."""
        if request.method != "POST":
            return nothing_done(request, "admin:coupons_campaign_change", pk)
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(Undoable, pk=one, campaign_id=pk)
        require_right(request, NEEDED[UndoableVerb(row.verb)])
        try:
            undo.undo_verb(one, actor=request.user.get_username())
        except (CouponError, ValidationError) as refusal:
            show_refusal(request, refusal)
        else:
            messages.success(request, _undone_text(row))
        page = "live" if request.POST.get("from") == "live" else "change"
        return redirect(f"admin:coupons_campaign_{page}", pk)


def _undone_text(row: Undoable) -> str:
    """What its event in the history says of the stock; of another verb its name."""
    if row.verb == UndoableVerb.STOCK:
        event = row.campaign.events.filter(kind=EventKind.UNDONE).first()
        data = (event.data if event else None) or {}
        if "was" in data:
            return stock_sentence(row.campaign.slug, data["was"], data["stock"])
    return _("Undone: {}.").format(row.get_verb_display())
