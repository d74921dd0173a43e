"""The proof report as a page, and as files to hand out."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from coupons.admin.campaigns.campaign_paths import campaign_paths
from coupons.admin.rights import may_see_users
from coupons.admin.typed import CampaignBase
from coupons.broker import wakeups
from coupons.database import clock
from coupons.models import Campaign, ProofReport
from coupons.proof import report_file, report_incidents, report_row
from coupons.proof.report_words import words_of


class ReportPages(CampaignBase):
    def get_urls(self) -> list[URLPattern]:
        own = campaign_paths(
            self,
            ("report/", "report", self.report_view),
            ("report.html", "report_html", self.report_html),
            ("report.json", "report_json", self.report_json),
        )
        return own + super().get_urls()

    def report_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The report as it was last computed; a POST has it computed again."""
        campaign = self._reported_campaign(request, pk)
        if request.method == "POST":
            if campaign.state == Campaign.State.CLOSED:
                report_row.ask_report(campaign)
                wakeups.notify_report()
            return redirect("admin:coupons_campaign_report", pk)
        row = ProofReport.objects.filter(campaign=campaign).first()
        context: dict[str, Any] = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "campaign": campaign,
            "title": _("Proof report"),
            "subtitle": campaign.slug,
            "report": row,
            "is_closed": campaign.state == Campaign.State.CLOSED,
            "is_computing": row is not None and _is_underway(row),
            "percent": 100 * row.done_places // max(row.places, 1) if row else 0,
        }
        if row is not None and row.figures:
            may_see = may_see_users(request)
            incidents = row.figures["incidents"] if may_see else []
            context |= words_of(row.figures, report_incidents.whole_data(campaign, incidents))
        return TemplateResponse(request, "admin/coupons/campaign/report.html", context)

    def report_html(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self._computed_row(request, pk)
        page = report_file.render_html(row.figures or {}, get_language() or "en")
        return _file(page, "text/html; charset=utf-8", f"{row.campaign.slug}-report.html")

    def report_json(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self._computed_row(request, pk)
        body = report_file.render_json(row.figures or {})
        return _file(body, "application/json", f"{row.campaign.slug}-report.json")

    def _reported_campaign(self, request: HttpRequest, pk: int) -> Campaign:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(Campaign, pk=pk)

    def _computed_row(self, request: HttpRequest, pk: int) -> ProofReport:
        self._reported_campaign(request, pk)
        rows = ProofReport.objects.select_related("campaign")
        return get_object_or_404(rows, pk=pk, figures__isnull=False)


def _is_underway(row: ProofReport) -> bool:
    """Asked for, or being computed; not by a process that has died."""
    is_busy = row.busy_until is not None and row.busy_until > clock.read_now()
    return row.asked_at is not None or is_busy


def _file(body: str | bytes, content_type: str, name: str) -> HttpResponse:
    """Always downloaded: its styles are inline, which the site's policy forbids."""
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(body, content_type=content_type, headers=disposition)
