"""The dress rehearsal as a page: begin one, its progress, and the last verdict with its figures."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from coupons.admin import formatting
from coupons.admin.campaigns.campaign_paths import campaign_paths
from coupons.admin.campaigns.readiness_page import LIGHTS
from coupons.admin.refusals import show_refusal
from coupons.admin.rights import has_right, require_right
from coupons.admin.typed import CampaignBase
from coupons.audit import labels
from coupons.broker import wakeups
from coupons.claims.shadow_slugs import is_shadow_slug
from coupons.errors import CouponError
from coupons.models import Campaign, Rehearsal
from coupons.models.rights import Right
from coupons.readiness.crowd_size import MOST_PEOPLE, MOST_PER_SECOND, usual_crowd
from coupons.readiness.result import Light
from coupons.rehearsal import start
from coupons.rehearsal.start import Plan
from coupons.rehearsal.tally import Tally, tally_of

NUMBERS = ("people", "per_second")  # fields of the form
_MOST_TYPED = 12  # characters of a number that is shown again
MOST_BARS, BAR, HEIGHT = 60, 8, 60  # of the picture: bars; a bar's width and the height, units


class RehearsalPages(CampaignBase):
    def get_urls(self) -> list[URLPattern]:
        own = campaign_paths(self, ("rehearsal/", "rehearsal", self.rehearsal_view))
        return own + super().get_urls()

    def rehearsal_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        campaign = get_object_or_404(Campaign, pk=pk)
        if request.method == "POST":
            require_right(request, Right.REHEARSE)
            is_done = _act(request, campaign)
            return redirect(_address(pk, {} if is_done else _typed_numbers(request)))
        last = Rehearsal.objects.filter(campaign=campaign).first()
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": _("Dress rehearsal"),
            "subtitle": campaign.slug,
            "campaign": campaign,
            "may_rehearse": has_right(request, Right.REHEARSE)
            and campaign.state != Campaign.State.CLOSED
            and not is_shadow_slug(campaign.slug),
            **dict(zip(NUMBERS, usual_crowd(campaign), strict=True)),
            **{name: request.GET[name][:_MOST_TYPED] for name in NUMBERS if name in request.GET},
            "most_people": MOST_PEOPLE,
            "most_per_second": MOST_PER_SECOND,
            "rehearsal": last,
            **(rehearsal_for_page(last) if last else {}),
        }
        return TemplateResponse(request, "admin/coupons/campaign/rehearsal.html", context)


def _typed_numbers(request: HttpRequest) -> dict[str, str]:
    """What a refused form held, for its page, which is fetched again and again. Not the box: it
    lets a crowd loose beside an opening, so it is ticked for each attempt."""
    return {name: request.POST.get(name, "")[:_MOST_TYPED] for name in NUMBERS}


def _address(pk: int, numbers: dict[str, str]) -> str:
    page = reverse("admin:coupons_campaign_rehearsal", args=[pk])
    return f"{page}?{urlencode(numbers)}" if numbers else page


def _act(request: HttpRequest, campaign: Campaign) -> bool:
    """False: nothing was done, and a message says why."""
    if "stop" in request.POST:
        rehearsals = Rehearsal.objects.filter(campaign=campaign, running=True)
        if any(start.stop_rehearsal(row.pk) for row in rehearsals):
            messages.success(request, _("It ends within seconds, and everything is removed."))
        return True
    people = _number(request, "people", MOST_PEOPLE)
    per_second = _number(request, "per_second", MOST_PER_SECOND)
    if people is None or per_second is None:
        text = _("Give whole numbers: 1 to {people} people, 1 to {per_second} of them a second.")
        bounds = {"people": MOST_PEOPLE, "per_second": MOST_PER_SECOND}
        shown = {name: formatting.grouped_number(most) for name, most in bounds.items()}
        messages.error(request, text.format(**shown))
        return False
    plan = Plan(people, per_second, beside="beside" in request.POST, by_worker=True)
    try:
        start.begin_rehearsal(campaign.slug, plan, actor=request.user.get_username())
    except CouponError as refusal:
        show_refusal(request, refusal)
        return False
    wakeups.notify_rehearsal()
    messages.success(request, _("The rehearsal begins within seconds."))
    return True


def _number(request: HttpRequest, name: str, most: int) -> int | None:
    text = request.POST.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        return None
    return int(text) if 1 <= int(text) <= most else None


def rehearsal_for_page(rehearsal: Rehearsal) -> dict[str, Any]:
    """The template's context: progress, figures, picture, verdict in the operator's language."""
    tally = tally_of(rehearsal.figures.get("tally", {}))
    stored = rehearsal.figures.get("stored") or {}
    storing_s = rehearsal.figures.get("storing_s")
    return {
        "asked": min(tally.asked, rehearsal.people),
        "began": formatting.exact_time(rehearsal.started_at),
        "word": LIGHTS[Light(rehearsal.light)] if rehearsal.light else "",
        "figures": [
            (_("answers a second"), f"{rehearsal.figures.get('per_second', 0):,.0f}"),
            (_("half within, ms"), f"{tally.percentile_ms(0.5):,.0f}"),
            (_("99 % within, ms"), f"{tally.percentile_ms(0.99):,.0f}"),
            (_("told"), f"{tally.told:,}"),
            (_("stored"), f"{stored.get('rows', 0):,}"),
            (_("all stored after, s"), "–" if storing_s is None else f"{storing_s:.1f}"),
        ],
        "bars": _bars(tally),
        "bars_width": MOST_BARS * BAR,
        "bars_height": HEIGHT,
        "verdict_lines": [_shown_line(line) for line in rehearsal.lines],
    }


def _bars(tally: Tally) -> list[dict[str, int]]:
    """Answers by second, as bars; of a long rehearsal each bar is the mean of several seconds."""
    each = max(1, -(-tally.seconds_asked // MOST_BARS))
    counts = [
        sum(tally.seconds[second] for second in range(first, first + each)) / each
        for first in range(0, tally.seconds_asked, each)
    ]
    top = max([*counts, 1])
    return [
        {"x": number * BAR, "y": HEIGHT - size, "height": size}
        for number, count in enumerate(counts)
        for size in [round(HEIGHT * count / top)]
    ]


def _shown_line(line: dict[str, Any]) -> dict[str, Any]:
    language = "ko" if (get_language() or "").startswith("ko") else "en"
    light = Light(line["light"])
    return {
        "light": light,
        "word": LIGHTS[light],
        "label": labels.check_label(line["name"]),
        "seen": line["seen"].get(language, ""),
        "do": line["do"].get(language, ""),
    }
