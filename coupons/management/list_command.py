"""What `manage.py grant` and `revoke` share: a list from a file, worked on here and now."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from coupons.audit.actors import Actor
from coupons.bulk import jobs, receiving
from coupons.bulk.reading import ByteStream, Format
from coupons.claims.quantities import counted_noun
from coupons.management.arguments import SLUG, input_or_stdin
from coupons.management.base import SentenceCommand
from coupons.management.progress import ProgressLine
from coupons.models import ActorKind, Job, JobLine, JobState

ACTOR = Actor(ActorKind.OPERATOR, "manage.py")
MOST_SHOWN = 20
_GOOD = ("granted", "revoked", "has_place", "revoked_before")


class ListCommand(SentenceCommand):
    """Base of commands that work on a list, line by line. If it is stopped, a worker goes on."""

    kind: Job.Kind

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", type=SLUG)
        parser.add_argument("file", type=input_or_stdin, help="CSV or JSON lines; -: stdin")
        parser.add_argument(
            "--format",
            choices=[each.value for each in Format],
            default="",
            help="by default jsonl for a file of that name, else csv",
        )

    def work_on_list(self, slug: str, file: Path, file_format: str, **options: Any) -> None:
        """Receive the list, and work on it."""
        self.finish_list(self.receive_list(slug, file, file_format, **options))

    def finish_list(self, job: Job) -> None:
        """Work on a list that was received."""
        line = ProgressLine(job.campaign.slug)
        receiving.start_job(job)
        jobs.finish_job(job, tell=lambda done: line(f"{done:,} of {job.lines:,}"))
        self._report(job)

    def receive_list(self, slug: str, file: Path, file_format: str, **options: Any) -> Job:
        """Store its lines, without starting."""
        campaign = receiving.find_campaign(slug)
        chosen = file_format or (Format.JSON_LINES if file.suffix == ".jsonl" else Format.CSV)
        line = ProgressLine(slug)
        with ExitStack() as stack:
            source = sys.stdin.buffer if str(file) == "-" else stack.enter_context(file.open("rb"))
            return receiving.receive_job(
                campaign,
                self.kind,
                ByteStream(source.read),
                Format(chosen),
                actor=ACTOR,
                tell=lambda lines: line(f"{counted_noun(lines, 'line')} read"),
                **options,
            )

    def _report(self, job: Job) -> None:
        """Raises CommandError if the job was abandoned."""
        if job.state == JobState.ABANDONED:
            raise CommandError(f"The list was abandoned: {job.reason}")
        refused = JobLine.objects.filter(job=job).exclude(verdict__in=_GOOD).order_by("line")
        for line in refused[:MOST_SHOWN]:
            reason = (line.detail or {}).get("reason", "")
            self.stdout.write(f"line {line.line}: {line.verdict} ({reason})")
        counts = jobs.count_verdicts(job)
        summary = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(counts.items()))
        self.stdout.write(f"{counted_noun(job.lines, 'line')} of {job.campaign.slug}: {summary}.")
