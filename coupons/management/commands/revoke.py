"""`manage.py revoke SLUG FILE --reason WHY`: take each coupon of a list from its owner."""

import getpass
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from coupons.audit.log import TEXT_CHARS
from coupons.bulk import receiving
from coupons.management.arguments import Line
from coupons.management.base import ACTOR
from coupons.management.list_command import ListCommand
from coupons.models import Job
from coupons.operations import approvals, dry_runs


class Command(ListCommand):
    help = (
        "Take each coupon of a list (column `code`, or `user` and `nth`) from its owner. Redeemed "
        "coupons are refused: their redemption must be cancelled first. A list of more than 100 "
        "lines waits for the approval of another person, in the admin."
    )
    kind = Job.Kind.REVOCATIONS

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reason", type=Line(TEXT_CHARS), required=True, help="kept for each")
        parser.add_argument("--force", action="store_true", help="also coupons that an order holds")
        parser.add_argument("--returns", action="store_true", help="their units of stock come back")
        parser.add_argument("--yes", action="store_true", help="don't ask")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen")
        parser.add_argument(
            "--ask", action="store_true", help="ask another person to approve it, in the admin"
        )
        parser.add_argument("--actor", type=ACTOR, help="who asks; by default who is logged in")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["slug"]
        question = f"Revoke the coupons of {slug} that {options['file']} lists?"
        is_asked = not (options["dry_run"] or options["ask"])
        if is_asked and not self.demand_consent(question, is_given=options["yes"]):
            self.stdout.write(f"Nothing of {slug} was revoked.")
            return
        job = self.receive_list(slug, options["file"], options["format"], **_of_job(options))
        if options["dry_run"]:
            self._tell_forecast(job, options)
        elif options["ask"] or _takes_another(job):
            self._ask(job, options)
        else:
            self.finish_list(job)

    def _tell_forecast(self, job: Job, options: dict[str, Any]) -> None:
        try:
            for sentence in dry_runs.forecast_revocations(job).sentences:
                self.stdout.write(sentence)
        finally:
            receiving.discard_job(job)
        self.stdout.write(f"Nothing of {options['slug']} was revoked.")

    def _ask(self, job: Job, options: dict[str, Any]) -> None:
        """The list waits; if it can't be asked for, it is discarded."""
        actor = options["actor"] or f"{getpass.getuser()}{approvals.AT_A_TERMINAL}"
        try:
            request = approvals.ask_revocations(job, actor=actor, reason=options["reason"])
        except BaseException:
            receiving.discard_job(job)
            raise
        if not options["ask"]:
            self.stdout.write(f"More than {approvals.MOST_REVOKED_ALONE} lines take two persons.")
        self.stdout.write(f"The list of {options['slug']} waits for an approval: {request.pk}.")


def _takes_another(job: Job) -> bool:
    return job.lines > approvals.MOST_REVOKED_ALONE and not settings.APPROVE_ALONE


def _of_job(options: dict[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in ("reason", "force", "returns")}
