"""The lines of a list that waits for an approval or was approved: whose coupon, and what becomes of
it."""

from dataclasses import dataclass

from django.db.models import Case, IntegerField, Value, When
from django.http import HttpRequest
from django.utils.translation import gettext as _

from coupons.admin.rights import HIDDEN, may_see_users, shown_user
from coupons.database.availability import require_database
from coupons.errors import title_of_code
from coupons.models import ApprovalRequest, Job, JobLine, JobState
from coupons.operations import dry_runs

LINES_SHOWN = 100


@dataclass(frozen=True, slots=True)
class ShownLine:
    """`coupon`: the number of its page; empty: there is none."""

    line: int
    whose: str
    fate: str
    coupon: str
    is_refused: bool


@dataclass(frozen=True, slots=True)
class ShownList:
    lines: list[ShownLine]
    of: int


def shown_list(found: ApprovalRequest, request: HttpRequest) -> ShownList | None:
    """The first lines with what they would get, or, once it is worked on, what they got, those
    refused first. None: it is no list, or is not kept any more. Raises StoreAway, DatabaseAway."""
    if found.verb != ApprovalRequest.Verb.REVOKE:
        return None
    with require_database():
        job = Job.objects.select_related("campaign").filter(pk=found.data["job"]).first()
    if job is None:
        return None
    is_tried = job.state == JobState.ASKED
    lines = dry_runs.try_first_lines(job, LINES_SHOWN) if is_tried else _done_lines(job)
    return ShownList([_shown_line(line, request, is_tried=is_tried) for line in lines], job.lines)


def _done_lines(job: Job) -> list[JobLine]:
    refused_first = Case(
        When(verdict="refused", then=Value(0)), default=Value(1), output_field=IntegerField()
    )
    with require_database():
        return list(JobLine.objects.filter(job=job).order_by(refused_first, "line")[:LINES_SHOWN])


def _shown_line(line: JobLine, request: HttpRequest, *, is_tried: bool) -> ShownLine:
    detail = line.detail or {}
    return ShownLine(
        line.line,
        _whose(line.data, request),
        _fate(line.verdict, detail.get("reason", ""), is_tried=is_tried),
        detail.get("coupon", ""),
        line.verdict == "refused",
    )


def _whose(data: dict[str, object], request: HttpRequest) -> str:
    if "code" in data:
        return str(data["code"]) if may_see_users(request) else HIDDEN
    user, nth = shown_user(request, str(data["user"])), data.get("nth", 1)
    return user if nth == 1 else f"{user} ({nth})"


def _fate(verdict: str, code: str, *, is_tried: bool) -> str:
    if verdict == "refused":
        text = _("would be refused: {}") if is_tried else _("refused: {}")
        return text.format(_(title_of_code(code)))
    if verdict == "revoked":
        return _("would be revoked") if is_tried else _("revoked")
    return _("has been revoked before") if verdict else _("waits")
