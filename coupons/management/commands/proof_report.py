"""`manage.py proof_report SLUG`: the proof report of a closed campaign, as a file."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from coupons.management.arguments import ASKED_WRONGLY, SLUG, OneOf, output_file
from coupons.management.base import SentenceCommand, demand_campaign
from coupons.models import Campaign
from coupons.proof import report, report_file, report_row


class Command(SentenceCommand):
    help = (
        "Compute the proof report of a closed campaign: what was admitted, stored, returned, when, "
        "and eight checks that it was fair. Fails if one of them finds a fault. Its page in the "
        "admin shows the same."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", type=SLUG)
        parser.add_argument(
            "--out", type=output_file, help="FILE.html or FILE.json; without it only the verdict"
        )
        parser.add_argument(
            "--language", type=OneOf(report_file.LANGUAGES), default="en", help="ko or en"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        out: Path | None = options["out"]
        if out is not None and out.suffix not in (".html", ".json"):
            text = "The file's name must end with .html or .json."
            raise CommandError(text, returncode=ASKED_WRONGLY)
        demand_campaign(options["slug"])
        campaign = Campaign.objects.get(slug=options["slug"])
        figures = report.compute_report(campaign, tell=self._tell)
        report_row.keep_report(campaign, figures)
        if out is not None:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_bytes(self._rendered(figures, out, options["language"]))
            self.stdout.write(f"Written to {out}.")
        self._conclude(campaign, figures)

    def _tell(self, done: int, of: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{100 * done // of} %", ending="" if done < of else "\n")

    def _rendered(self, figures: report.Figures, out: Path, language: str) -> bytes:
        if out.suffix == ".json":
            return report_file.render_json(figures)
        return report_file.render_html(figures, language).encode()

    def _conclude(self, campaign: Campaign, figures: report.Figures) -> None:
        faults = report.faults_of(figures)
        if faults:
            raise CommandError(f"{campaign.slug}: faults found by {', '.join(faults)}.")
        unchecked = [name for name, one in figures["findings"].items() if not one["is_checked"]]
        rest = f" Not checked: {', '.join(unchecked)}." if unchecked else ""
        self.stdout.write(f"{campaign.slug}: no fault found.{rest}")
