"""The readiness board as a page: red checks, what to do, and the operator's override."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coupons.admin import formatting
from coupons.admin.campaigns.campaign_paths import campaign_paths
from coupons.admin.refusals import show_refusal
from coupons.admin.rights import has_right, require_right
from coupons.admin.site import nothing_done
from coupons.admin.typed import CampaignBase
from coupons.audit import labels
from coupons.campaigns import opening_hold
from coupons.errors import CouponError
from coupons.models import Campaign
from coupons.models.rights import Right
from coupons.readiness import board
from coupons.readiness.board import Board
from coupons.readiness.result import Light, Line
from coupons.readiness.verdict import held_for, opening_verdict

LIGHTS: dict[Light, Promise] = {
    Light.GREEN: gettext_lazy("ready"),
    Light.AMBER: gettext_lazy("look at it"),
    Light.RED: gettext_lazy("not ready"),
    Light.GREY: gettext_lazy("not looked at"),
}


class BoardPages(CampaignBase):
    def get_urls(self) -> list[URLPattern]:
        own = campaign_paths(
            self,
            ("readiness/", "readiness", self.readiness_view),
            ("readiness.json", "readiness_json", self.readiness_json),
            ("override/", "override", self.override_view),
        )
        return own + super().get_urls()

    def readiness_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        shown_board = self._board(request, pk)
        context = self.admin_site.each_context(request) | board_for_page(shown_board) | {
            "opts": self.opts,
            "title": _("Ready for the opening?"),
            "subtitle": shown_board.campaign.slug,
            "may_override": has_right(request, Right.OVERRIDE) and shown_board.can_be_overridden,
            "override_right": _(Right.OVERRIDE.label),
        }  # fmt: skip
        return TemplateResponse(request, "admin/coupons/campaign/readiness.html", context)

    def readiness_json(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The same as `manage.py readiness SLUG --json`, with words for the page. `?quick=yes`:
        without the checks that may take seconds, for the light in a campaign's panel."""
        shown_board = self._board(request, pk, quickly="quick" in request.GET)
        words = {
            "word": str(LIGHTS[shown_board.light]),
            "red_labels": [labels.check_label(line.name) for line in shown_board.reds],
        }
        return JsonResponse(shown_board.as_json() | words)

    def override_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method != "POST":
            return nothing_done(request, "admin:coupons_campaign_readiness", pk)
        if not self.has_view_permission(request):
            raise PermissionDenied
        require_right(request, Right.OVERRIDE)
        slug = get_object_or_404(Campaign, pk=pk).slug
        reason, actor = request.POST.get("reason", ""), request.user.get_username()
        try:
            campaign = opening_hold.override_hold(slug, actor=actor, reason=reason)
        except (CouponError, ValidationError) as refusal:
            show_refusal(request, refusal)
        else:
            values = {"slug": slug, "state": campaign.get_state_display()}
            messages.success(
                request, _("%(slug)s is %(state)s; your reason is in its history.") % values
            )
        return redirect("admin:coupons_campaign_readiness", pk)

    def _board(self, request: HttpRequest, pk: int, *, quickly: bool = False) -> Board:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return board.readiness_board(get_object_or_404(Campaign, pk=pk).slug, quickly=quickly)


_WORST_FIRST = (Light.RED, Light.AMBER, Light.GREEN, Light.GREY)
_OPEN = (Light.RED, Light.AMBER)


def light_counts(lines: list[Line]) -> str:
    """`not ready: 1, ready: 16`: how many lines have each light, the worst first."""
    counted = [(light, sum(line.light is light for line in lines)) for light in _WORST_FIRST]
    return ", ".join(f"{LIGHTS[light]}: {count}" for light, count in counted if count)


def board_for_page(shown_board: Board) -> dict[str, Any]:
    """The board as the template's context: red and amber lines, and the folded rest."""
    lines = sorted(shown_board.lines, key=lambda line: _WORST_FIRST.index(line.light))
    folded = [line for line in lines if line.light not in _OPEN]
    return {
        "board": shown_board,
        "campaign": shown_board.campaign,
        "word": LIGHTS[shown_board.light],
        "held_for": held_for(shown_board),
        "override_reason": labels.event_details(shown_board.overridden)
        if shown_board.overridden
        else "",
        "verdict": opening_verdict(shown_board),
        "opens": formatting.exact_time(shown_board.campaign.opens_at),
        "closes": formatting.exact_time(shown_board.campaign.closes_at),
        "light_counts": light_counts(lines),
        "folded_summary": light_counts(folded),
        "folded_lines": _named_lines(folded),
        "open_lines": _named_lines([line for line in lines if line.light in _OPEN]),
    }


def _named_lines(lines: list[Line]) -> list[tuple[Line, str, Promise]]:
    return [(line, labels.check_label(line.name), LIGHTS[line.light]) for line in lines]


def warn_if_red(campaign: Campaign, request: HttpRequest) -> None:
    """Warn an operator who has just scheduled a campaign whose board is red. Runs only the quick
    checks, on stores that the request has used already."""
    shown_board = board.readiness_board(campaign.slug, quickly=True)
    if shown_board.reds:
        url = reverse("admin:coupons_campaign_readiness", args=[campaign.pk])
        text = (
            _("It is not ready yet ({what}) and would be held back: see {board}.")
            if shown_board.blocks
            else _("It opens although something is red ({what}): see {board}.")
        )
        names = ", ".join(labels.check_label(line.name) for line in shown_board.reds)
        link = format_html('<a href="{}">{}</a>', url, _("its readiness board"))
        messages.warning(request, format_html(text, what=names, board=link))
