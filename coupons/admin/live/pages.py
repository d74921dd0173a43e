"""The live page of a campaign, the JSON that it polls, and its form for the stock."""

from contextlib import suppress
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from coupons.admin.campaigns import revision, slot_progress, undo_pages
from coupons.admin.campaigns.campaign_paths import campaign_paths, path_without_mysql
from coupons.admin.campaigns.commands import offered_commands
from coupons.admin.campaigns.confirmation import confirm_page
from coupons.admin.formatting import grouped_number, stock_sentence, window_text
from coupons.admin.live import agenda, page_texts
from coupons.admin.live.quantities import RunningClock
from coupons.admin.live.reading import CHART_MS, Reading, read_sale
from coupons.admin.refusals import show_refusal
from coupons.admin.rights import has_right, require_right
from coupons.admin.site import nothing_done
from coupons.admin.typed import CampaignBase
from coupons.campaigns import lifecycle
from coupons.campaigns.definition import Conditions, definition_version
from coupons.claims.timestamps import milliseconds_of, moment_of
from coupons.errors import CouponError, DependencyAway, NeedsConfirmation
from coupons.models import Campaign
from coupons.models.rights import Right
from coupons.operations import approvals

REQUESTS_SHOWN = 10
REFRESH_S = 5  # of the page without MySQL
_BIG_VERBS = ("pause", "resume")


class LivePages(CampaignBase):
    def get_urls(self) -> list[URLPattern]:
        own = campaign_paths(
            self,
            ("live/stock/", "live_stock", self.live_stock),
        )
        anyway = [
            path_without_mysql(self, "live/", "live", self.live_page, self.page_anyway),
            path_without_mysql(
                self, "live/figures.json", "live_figures", self.live_figures, self.figures_anyway
            ),
        ]
        return [*own, *anyway, *super().get_urls()]

    def live_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        reading = self._reading(request, pk)
        context = self.admin_site.each_context(request) | _shown(reading, 0) | {
            "opts": self.opts, "campaign": reading.campaign,
            "title": _("Live"),
            "subtitle": reading.campaign.slug,
            "window": window_text(reading.campaign),
            "chart_ms": CHART_MS,
            "zone": settings.TIME_ZONE,
            "figures": page_texts.figures_of(reading),
            "verdict": page_texts.verdict_of(reading),
            "verbs": _verbs(reading, request),
            "may_change_stock": _may_change_stock(reading, request),
            "requests": list(approvals.open_requests(reading.campaign)[:REQUESTS_SHOWN]),
            "undos": undo_pages.shown_offers(reading.campaign, request),
        }  # fmt: skip
        return TemplateResponse(request, "admin/coupons/campaign/live.html", context)

    def live_figures(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Polled by the page once a second; `?since=` names the last second that it has (ms)."""
        return _figures(request, self._reading(request, pk))

    def page_anyway(self, request: HttpRequest, pk: int) -> HttpResponse:
        """While MySQL, which has the rights, does not answer: to look at, nothing to do."""
        reading = read_sale(pk)
        context = {
            "campaign": reading.campaign,
            "label": _state_label(reading),
            "verdict": page_texts.verdict_of(reading),
            "figures": page_texts.figures_of(reading),
        }
        page = render_to_string("admin/coupons/campaign/live_without_mysql.html", context)
        return HttpResponse(page, status=503, headers={"Refresh": str(REFRESH_S)})

    def figures_anyway(self, request: HttpRequest, pk: int) -> HttpResponse:
        """While MySQL, which has the rights, does not answer."""
        return _figures(request, read_sale(pk))

    def live_stock(self, request: HttpRequest, pk: int) -> HttpResponse:
        """As the field on the campaign's page: raised or lowered, at most to what was admitted."""
        if request.method != "POST":
            return nothing_done(request, "admin:coupons_campaign_live", pk)
        if not self.has_view_permission(request):
            raise PermissionDenied
        require_right(request, Right.CHANGE_STOCK)
        seen = get_object_or_404(Campaign, pk=pk)
        slug = seen.slug
        try:
            stock = _posted_stock(request)
            _demand_seen_stock(request, seen, stock)
            if stock < seen.stock:
                revision.say_before(seen, request, stock=stock)
            campaign = lifecycle.change_stock(
                slug,
                stock=stock,
                actor=request.user.get_username(),
                conditions=Conditions(version=definition_version(seen)),
                tell=slot_progress.stop_after_request_time(request, slug),
            )
        except NeedsConfirmation as asked:
            typed = {"stock": str(stock), "shown": str(seen.stock)}
            label, questions = gettext_noop("Change the stock"), [(seen, asked.questions)]
            return confirm_page(self, request, label, "stock", questions, typed=typed)
        except (CouponError, ValidationError) as refusal:
            show_refusal(request, refusal)
        else:
            messages.success(request, stock_sentence(slug, seen.stock, campaign.stock))
        return redirect("admin:coupons_campaign_live", pk)

    def _reading(self, request: HttpRequest, pk: int) -> Reading:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            return read_sale(pk)
        except Campaign.DoesNotExist:
            raise Http404 from None


def _figures(request: HttpRequest, reading: Reading) -> HttpResponse:
    since = request.GET.get("since", "")
    return JsonResponse(_shown(reading, int(since) if since.isdecimal() else 0))


def _posted_stock(request: HttpRequest) -> int:
    """Raises ValidationError."""
    text = request.POST.get("stock", "").strip()
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise ValidationError(_("The stock is a whole number."))
    return int(text)


def _demand_seen_stock(request: HttpRequest, campaign: Campaign, stock: int) -> None:
    """Raises ValidationError if the page that was sent showed another stock than the stored one."""
    shown = request.POST.get("shown", "")
    if shown and str(campaign.stock) != shown and campaign.stock != stock:
        text = _("The stock was set to {} meanwhile, so nothing was changed. Please look again.")
        raise ValidationError(text.format(grouped_number(campaign.stock)))


def _shown(reading: Reading, since_ms: int) -> dict[str, Any]:
    """What the script draws, all of it plain values."""
    seen, campaign = reading.seen, reading.campaign
    entries: tuple[agenda.Entry, ...] | None = None
    with suppress(DependencyAway):  # the page goes on without it
        entries = agenda.next_minutes(moment_of(reading.now_ms))
    return {
        "state": str(seen.state),
        "badge": _badge(reading),
        "label": _state_label(reading),
        "revision": reading.revision,
        "now_ms": reading.now_ms,
        "redis_ms": reading.redis_ms,
        "is_whole": reading.seen.mysql_answers,  # the rest of the page can be fetched anew
        "opens_ms": milliseconds_of(campaign.opens_at),
        "closes_ms": milliseconds_of(campaign.closes_at),
        "stock": campaign.stock,
        "verdict_shown": _verdict_shown(reading),
        "figures_shown": {figure.name: [figure.value, figure.is_bad]
                          for figure in page_texts.figures_of(reading)},
        "outcomes": [asdict(row) for row in page_texts.outcome_rows(reading)],
        "seconds": list(page_texts.chart_rows(reading.seconds, since_ms)),
        "agenda": None if entries is None else page_texts.agenda_rows(entries, campaign.pk),
    }  # fmt: skip


def _state_label(reading: Reading) -> str:
    state = Campaign.State(reading.seen.state)
    if _is_sold_out(reading):
        return _("sold out")
    is_held = reading.campaign.held and state == Campaign.State.PAUSED
    return _("held back") if is_held else str(state.label)


def _badge(reading: Reading) -> str:
    """The CSS class of the state: nothing is green of which nothing is left."""
    return "sold-out" if _is_sold_out(reading) else f"state-{reading.seen.state}"


def _is_sold_out(reading: Reading) -> bool:
    return reading.seen.state == Campaign.State.OPEN and reading.seen.sold_out


def _verdict_shown(reading: Reading) -> dict[str, Any]:
    verdict = page_texts.verdict_of(reading)
    also = [
        {"text": finding.text, "clock": _clock_shown(finding.clock, reading.now_ms)}
        for finding in verdict.also
    ]
    return {
        "light": verdict.light, "word": verdict.word, "text": verdict.text, "also": also,
        "topic": verdict.topic, "spoken": verdict.spoken,
        "clock": _clock_shown(verdict.clock, reading.now_ms),
    }  # fmt: skip


def _clock_shown(clock: RunningClock | None, now_ms: int) -> list[Any] | None:
    """[as it stands in the sentence, the moment that it runs to]: the script goes on with it."""
    return None if clock is None else [clock.text, now_ms + clock.in_ms]


def _verbs(reading: Reading, request: HttpRequest) -> list[Any]:
    offered = offered_commands(reading.seen.state, is_held=reading.campaign.held)
    return [verb for verb in offered if verb.name in _BIG_VERBS and has_right(request, verb.right)]


def _may_change_stock(reading: Reading, request: HttpRequest) -> bool:
    return reading.seen.state in lifecycle.LIVE and has_right(request, Right.CHANGE_STOCK)
