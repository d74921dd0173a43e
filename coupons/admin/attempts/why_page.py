"""`/admin/coupons/why/`: a user and a campaign → every attempt, and a sentence for the customer.

The form is posted, so that no user's id stands in an address."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _

from coupons.admin.attempts import attempt_rows
from coupons.admin.campaigns.campaign_paths import campaign_paths
from coupons.admin.refusals import show_refusal
from coupons.admin.rights import require_right
from coupons.admin.typed import CampaignBase
from coupons.attempts.attempts_of_user import find_attempts
from coupons.audit import trail
from coupons.claims.limits import MAX_USER_BYTES
from coupons.claims.stranger_text import OddValue, text_from_stranger
from coupons.errors import CouponError
from coupons.models import Act, Campaign
from coupons.models.rights import Right

MOST_OFFERED = 200  # campaigns in the list, the latest openings first


def why_view(request: HttpRequest) -> HttpResponse:
    """For any campaign: it is chosen on the page."""
    if not request.user.has_perm("coupons.view_campaign"):
        raise PermissionDenied
    require_right(request, Right.VIEW_USER_IDS)
    slug = request.POST.get("campaign", "").strip()
    campaign = Campaign.objects.filter(slug=slug).exclude(state=Campaign.State.DRAFT).first()
    if slug and campaign is None:
        messages.error(request, _("There is no public campaign of this name."))
    return _answer(request, campaign, is_chosen=False)


class WhyPages(CampaignBase):
    def get_urls(self) -> list[URLPattern]:
        return campaign_paths(self, ("why/", "why", self.why_view)) + super().get_urls()

    def why_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        require_right(request, Right.VIEW_USER_IDS)
        return _answer(request, get_object_or_404(Campaign, pk=pk), is_chosen=True)


def _answer(request: HttpRequest, campaign: Campaign | None, *, is_chosen: bool) -> HttpResponse:
    user = request.POST.get("user", "").strip()
    context = admin.site.each_context(request) | {
        "opts": Campaign._meta,
        "title": _("Why did I not get one?"),
        "subtitle": campaign.slug if campaign and is_chosen else None,
        "campaign": campaign,
        "is_chosen": is_chosen,
        "user_id": user,
        "slugs": () if is_chosen else _offered_slugs(),
    }
    if user and campaign is not None:
        context |= _found_context(request, campaign, user)
    return TemplateResponse(request, "admin/coupons/why.html", context)


def _found_context(request: HttpRequest, campaign: Campaign, user: str) -> dict[str, Any]:
    try:
        text_from_stranger(user, most=MAX_USER_BYTES, is_identifier=True)
        found = find_attempts(campaign, user)
    except OddValue:
        messages.error(request, _("This is no user's id."))
        return {}
    except CouponError as refusal:
        show_refusal(request, refusal)
        return {}
    trail.record_or_log(Act.READ, kind="attempts", id=campaign.slug, campaign=campaign, user=user)
    return {
        "found": found,
        "rows": attempt_rows.attempt_rows(found),
        "kept_text": attempt_rows.kept_text(found["refusals_kept"]),
        "sentences": [
            (language, label, found["sentences"][language])
            for language, label in (("ko", "한국어"), ("en", "English"))
        ],
    }


def _offered_slugs() -> Sequence[str]:
    public = Campaign.objects.exclude(state=Campaign.State.DRAFT).order_by("-opens_at")
    return list(public.values_list("slug", flat=True)[:MOST_OFFERED])
