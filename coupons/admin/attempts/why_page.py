"""`/admin/coupons/why/`: a user and a campaign → every attempt, and a sentence for the customer.

The form is posted, so that no user's id stands in an address."""

from collections.abc import Mapping, Sequence
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

# What may be known of a user, in the answer of `find_attempts`.
_KNOWN = ("refusals", "coupons", "places", "waitlist", "parked", "given_up")
MOST_OFFERED = 200  # campaigns in the list, the latest openings first


def why_view(request: HttpRequest) -> HttpResponse:
    """For any campaign: it is chosen on the page."""
    if not request.user.has_perm("coupons.view_campaign"):
        raise PermissionDenied
    require_right(request, Right.VIEW_USER_IDS)
    asked = request.POST.get("campaign", "").strip()
    campaign = _asked_campaign(asked)
    if asked and campaign is None:
        messages.error(request, _("There is no public campaign of this name."))
    return _answer(request, campaign, is_chosen=False)


def _asked_campaign(asked: str) -> Campaign | None:
    """By its slug; else by its name, if only one of those offered has it."""
    public = Campaign.objects.exclude(state=Campaign.State.DRAFT)
    if found := public.filter(slug=asked).first():
        return found
    named = [one["slug"] for one in _offered_campaigns() if one["name"] == asked]
    return public.filter(slug=named[0]).first() if len(named) == 1 else None


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
        "asked_slug": campaign.slug if campaign else request.POST.get("campaign", "").strip(),
        "user_id": user,
        "offered": () if is_chosen else _offered_campaigns(),
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
        "is_nothing_known": not any(found[name] for name in _KNOWN),
        "rows": attempt_rows.attempt_rows(found),
        "kept_text": attempt_rows.kept_text(found["refusals_kept"]),
        "sentences": [
            (language, label, found["sentences"][language])
            for language, label in (("ko", "한국어"), ("en", "English"))
        ],
    }


def _offered_campaigns() -> Sequence[Mapping[str, Any]]:
    """Slug and name, the latest openings first."""
    public = Campaign.objects.exclude(state=Campaign.State.DRAFT).order_by("-opens_at")
    return list(public.values("slug", "name")[:MOST_OFFERED])
