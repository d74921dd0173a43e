"""Approval requests: what was asked for and would happen, and the buttons of a second person."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coupons.admin import formatting
from coupons.admin.approvals.list_lines import ShownList, shown_list
from coupons.admin.approvals.waiting import NEEDED
from coupons.admin.formatting import exact_time
from coupons.admin.list_lookups import OfferedLookups
from coupons.admin.refusals import show_refusal
from coupons.admin.rights import has_right, require_right
from coupons.admin.site import nothing_done
from coupons.admin.typed import RequestBase
from coupons.audit.labels import void_reason
from coupons.audit.log import typed_reason
from coupons.database import clock
from coupons.database.availability import require_database
from coupons.errors import CouponError
from coupons.models import ApprovalRequest, RequestState
from coupons.models.rights import Right
from coupons.operations import approvals, asked_state, outcomes
from coupons.operations.forecast import parse_forecast


class OpenFilter(admin.SimpleListFilter):
    """Those that still can be decided, unless one looks for others."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("all", gettext_lazy("all"))]

    def choices(self, changelist: Any) -> Any:
        for value, label in ((None, _("open")), ("all", _("all"))):
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string({self.parameter_name: value} if value
                                                            else {}, [self.parameter_name]),
                "display": label,
            }  # fmt: skip

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ApprovalRequest]
    ) -> QuerySet[ApprovalRequest]:
        if self.value() == "all":
            return queryset
        return queryset.filter(pk__in=approvals.open_requests().values("pk"))


class ApprovalRequestAdmin(OfferedLookups, RequestBase):
    list_display = ("what", "campaign", "asked_by", "reason", "asked", "shown_state")
    list_filter = (OpenFilter,)
    list_select_related = ("campaign",)
    list_per_page = 50
    show_full_result_count = False
    sortable_by = ()
    actions = None
    fields = (
        "what", "campaign", "reason", "asked_by", "asked", "expires", "shown_state",
        "decided_by", "decided", "why",
    )  # fmt: skip
    change_form_template = "admin/coupons/approvalrequest/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide_view)
        own = [path("<int:pk>/decide/", view, name="coupons_approvalrequest_decide")]
        return own + super().get_urls()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: ApprovalRequest | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: ApprovalRequest | None = None
    ) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"title": _("Approval requests"), **(extra_context or {})}
        return super().changelist_view(request, context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        found = self.get_object(request, object_id)
        if found is not None and self.has_view_permission(request, found):
            extra_context = {**_decision_context(found, request), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra_context)

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Approve or refuse; whoever asked may take the request back."""
        if request.method != "POST":
            return nothing_done(request, "admin:coupons_approvalrequest_change", pk)
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = get_object_or_404(ApprovalRequest, pk=pk)
        if request.POST.get("decision") not in ("approve", "refuse"):
            raise Http404
        by, why = request.user.get_username(), request.POST.get("why", "")
        is_own = found.asked_by == by and request.POST["decision"] == "refuse"
        if not is_own:
            require_right(request, Right.APPROVE)
            require_right(request, NEEDED[ApprovalRequest.Verb(found.verb)])
        _decide(request, found, by, why)
        return redirect("admin:coupons_approvalrequest_change", pk)

    @admin.display(description=gettext_lazy("what"))
    def what(self, found: ApprovalRequest) -> str:
        return str(found.get_verb_display())

    @admin.display(description=gettext_lazy("asked at"))
    def asked(self, found: ApprovalRequest) -> str:
        return exact_time(found.asked_at)

    @admin.display(description=gettext_lazy("expires at"))
    def expires(self, found: ApprovalRequest) -> str:
        return exact_time(found.expires_at)

    @admin.display(description=gettext_lazy("decided at"))
    def decided(self, found: ApprovalRequest) -> str:
        return exact_time(found.decided_at) or self.get_empty_value_display()

    @admin.display(description=gettext_lazy("why"))
    def why(self, found: ApprovalRequest) -> str:
        is_void = found.state == RequestState.VOID
        why = void_reason(found.decision) if is_void else found.decision
        return why or self.get_empty_value_display()

    @admin.display(description=gettext_lazy("state"))
    def shown_state(self, found: ApprovalRequest) -> str:
        with require_database():
            is_over = clock.read_now() >= found.expires_at
        is_open = found.state == RequestState.OPEN
        return _("expired") if is_open and is_over else str(found.get_state_display())


def _decide(request: HttpRequest, found: ApprovalRequest, by: str, why: str) -> None:
    try:
        why = typed_reason(why)
        if request.POST["decision"] == "approve":
            approvals.approve_request(found.pk, approver=by, reason=why)
            messages.success(request, _done_text(found.pk))
        else:
            approvals.refuse_request(found.pk, approver=by, reason=why)
            messages.success(request, _("Refused: nothing was done."))
    except (CouponError, ValidationError) as refusal:
        show_refusal(request, refusal)


def _done_text(pk: int) -> str:
    done = outcomes.outcome_sentences(ApprovalRequest.objects.get(pk=pk))
    return " ".join([_("Approved, and done."), *done])


def _decision_context(found: ApprovalRequest, request: HttpRequest) -> dict[str, Any]:
    """What would happen, as it was told to who asked and as of now, and whether this operator may
    decide."""
    with require_database():
        is_open = approvals.open_requests().filter(pk=found.pk).exists()
    verb, by = ApprovalRequest.Verb(found.verb), request.user.get_username()
    may = has_right(request, Right.APPROVE) and has_right(request, NEEDED[verb])
    now, fault = _as_of_now(found, by) if is_open else ([], "")
    refusal = _own_request(found, by)
    return {
        "title": _("Approval request"),
        "sentences": parse_forecast(found.forecast).sentences,
        "done": outcomes.outcome_sentences(found),
        "list": _list_of(found, request),
        "now": now,
        "changed": fault,
        "may_approve": is_open and may and not refusal and not fault,
        "may_refuse": is_open and (may or found.asked_by == by),
        "not_you": refusal if is_open and may else "",
        "request_pk": found.pk,
    }


def _list_of(found: ApprovalRequest, request: HttpRequest) -> ShownList | None:
    try:
        return shown_list(found, request)
    except CouponError:  # the forecast says why
        return None


def _own_request(found: ApprovalRequest, by: str) -> str:
    """Why this person may not approve it; empty: another one has asked."""
    try:
        approvals.demand_second_person(found, by)
    except CouponError as refusal:
        return str(refusal)
    return ""


def _as_of_now(found: ApprovalRequest, by: str) -> tuple[list[str], str]:
    """The sentences of a dry run made now, and why approving it would be refused."""
    try:
        forecast = asked_state.forecast_now(found, actor=by)
        if asked_state.has_changed(found, found.campaign):
            changed = _("The campaign has changed since this was asked for: it must be asked for"
                        " again.")  # fmt: skip
            return forecast.sentences, changed
        return forecast.sentences, forecast.sentences[0] if forecast.refusal else ""
    except CouponError as failure:
        text = formatting.refusal_text(failure)
        return [text], text
