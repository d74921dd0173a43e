"""The audit log's page: search, filters, pages by keyset, and the export of what is shown."""

from datetime import UTC, datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from coupons.admin import row_files
from coupons.admin.audit import log_rows, log_words
from coupons.admin.rights import has_right, may_see_users, require_right
from coupons.admin.typed import AuditBase
from coupons.audit import trail
from coupons.audit.entries import Asked, Key, Page, all_rows, read_page
from coupons.database.availability import require_database
from coupons.models import Act, AuditEvent, Campaign, EventKind, Verb
from coupons.models.rights import Right

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SHOWN = 100
MOST_EXPORTED = 100_000
_NOT_READ = "since and until are moments: 2026-01-31T12:00"


class AuditAdmin(AuditBase):
    def has_module_permission(self, request: HttpRequest) -> bool:
        return has_right(request, Right.VIEW_AUDIT)

    def has_view_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return has_right(request, Right.VIEW_AUDIT)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.log_view)
        export = self.admin_site.admin_view(self.export_view)
        return [
            path("", view, name="coupons_auditevent_changelist"),
            path("export/<str:form>/", export, name="coupons_auditevent_export"),
        ]

    def log_view(self, request: HttpRequest) -> HttpResponse:
        require_right(request, Right.VIEW_AUDIT)
        asked, unread = asked_of(request), unread_moments(request)
        page = Page([], None)  # beside a filter that can't be read: nothing that it may exclude
        if not unread:
            with require_database():
                page = read_page(asked, _key_in(request.GET.get("after", "")), SHOWN)
        fields = request.GET.copy()
        fields.pop("after", None)
        context = self.admin_site.each_context(request) | {
            "opts": self.opts, "title": _("Audit log"),
            "rows": [log_rows.shown_row(row, request) for row in page.rows],
            "asked": request.GET, "query": fields.urlencode(),
            "older": _text_of(page.older) if page.older else "",
            "is_first": "after" not in request.GET,
            "verbs": _verbs(), "kinds": log_words.KINDS.items(), "unread": unread,
            "campaigns": Campaign.objects.order_by("-id").values_list("slug", flat=True)[:200],
        }  # fmt: skip
        if asked.text:
            trail.record_or_log(
                Act.SEARCHED, kind="request", id="audit", after={"text": asked.text}
            )
        return TemplateResponse(request, "admin/coupons/auditevent/log.html", context)

    def export_view(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """All rows that the filters let pass, as a stream: `csv` or `jsonl`."""
        require_right(request, Right.VIEW_AUDIT)
        if form not in row_files.FORMS:
            raise PermissionDenied
        asked = asked_of(request)
        if unread_moments(request):
            return HttpResponseBadRequest(_NOT_READ)
        trail.record_or_log(
            Act.EXPORTED,
            kind="request",
            id=f"audit.{form}",
            after={"query": request.GET.urlencode()},
        )
        rows = log_rows.exported_rows(all_rows(asked, MOST_EXPORTED), request)
        return row_files.row_file(rows, log_rows.COLUMNS, form, "audit")


def asked_of(request: HttpRequest) -> Asked:
    """The filters in the address; a moment that can't be read is in `unread_moments`."""
    given = request.GET
    slug = given.get("campaign", "").strip()
    number = Campaign.objects.filter(slug=slug).values_list("pk", flat=True).first() if slug else 0
    return Asked(
        text=given.get("q", "").strip()[:200],
        verb=given.get("verb", ""),
        kind=given.get("kind", ""),
        campaign_id=(number or -1) if slug else None,
        since=_moment(given.get("since", "")),
        until=_moment(given.get("until", "")),
        user=may_see_users(request),
    )


def unread_moments(request: HttpRequest) -> set[str]:
    """The names of the filters whose moment can't be read."""
    typed = {name: request.GET.get(name, "").strip() for name in ("since", "until")}
    return {name for name, text in typed.items() if text and _moment(text) is None}


def _moment(typed: str) -> datetime | None:
    """As a browser sends it, in the page's time zone."""
    try:
        at = parse_datetime(typed.strip())
    except ValueError:
        return None
    return timezone.make_aware(at) if at is not None and timezone.is_naive(at) else at


def _verbs() -> list[tuple[str, str]]:
    values = dict.fromkeys([*Act.values, *EventKind.values, *Verb.values])
    labelled = ((value, log_words.verb_label(value)) for value in values)
    return sorted(labelled, key=lambda one: one[1])


def _text_of(key: Key) -> str:
    at, is_act, first, version = key
    micros = (at - _EPOCH) // timedelta(microseconds=1)
    return f"{micros}.{is_act}.{first}.{version}"


def _key_in(text: str) -> Key | None:
    """None for what is no key: the first page."""
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    micros, is_act, first, version = (int(part[:19]) for part in parts)
    if micros > 7_000_000_000_000_000:
        return None
    seconds, rest = divmod(micros, 1_000_000)
    at = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
    return at, int(bool(is_act)), first, version
