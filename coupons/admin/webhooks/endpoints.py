"""The admin of webhook endpoints: how they fare, and what an operator may do. Merchants make them
by their API; secrets are never shown here. `coupons.webhooks.endpoints` decides."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from coupons.admin.formatting import exact_time, grouped_number
from coupons.admin.list_lookups import OfferedLookups
from coupons.admin.refusals import show_refusal
from coupons.admin.rights import has_right, require_right
from coupons.admin.site import nothing_done
from coupons.admin.typed import EndpointBase
from coupons.database import clock
from coupons.errors import CouponError
from coupons.models import WebhookEndpoint
from coupons.models.rights import Right
from coupons.webhooks import endpoints

_MOST_HOURS = 720  # as long as events are kept
RIGHTS = {
    "enable": Right.SWITCH_ENDPOINT,
    "disable": Right.SWITCH_ENDPOINT,
    "test": Right.TEST_ENDPOINT,
    "replay": Right.REPLAY_ENDPOINT,
}  # by verb


class WebhookEndpointAdmin(OfferedLookups, EndpointBase):
    list_display = ("url", "merchant", "is_enabled", "reason", "failures", "deliveries_link")
    list_filter = ("is_enabled", "merchant")
    list_select_related = ("merchant",)
    show_full_result_count = False
    actions = None
    change_form_template = "admin/coupons/webhookendpoint/change_form.html"
    fields = readonly_fields = (
        "url", "merchant", "type_list", "is_enabled", "disabled_time", "reason", "failures",
        "secret_number", "old_secret_time", "deliveries_link",
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: WebhookEndpoint | None = None
    ) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.do_view)
        own = path("do/<uuid:id>/<str:verb>/", view, name="coupons_webhookendpoint_do")
        return [own, *super().get_urls()]

    def do_view(self, request: HttpRequest, id: Any, verb: str) -> HttpResponse:
        """Enable, disable, test or replay by the page's buttons."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        endpoint = get_object_or_404(WebhookEndpoint, pk=id)
        if request.method != "POST":
            return nothing_done(request, "admin:coupons_webhookendpoint_change", endpoint.pk)
        if verb not in RIGHTS:
            raise Http404
        require_right(request, RIGHTS[verb])
        try:
            messages.success(request, self._do(request, endpoint, verb))
            self.log_change(request, endpoint, verb)
        except (CouponError, ValidationError) as refusal:
            show_refusal(request, refusal)
        return redirect("admin:coupons_webhookendpoint_change", endpoint.pk)

    def _do(self, request: HttpRequest, endpoint: WebhookEndpoint, verb: str) -> str:
        if verb in ("enable", "disable"):
            endpoints.change_endpoint(endpoint, enabled=verb == "enable")
            return str(_("It is enabled.") if verb == "enable" else _("It is disabled."))
        if verb == "test":
            endpoints.send_test(endpoint)
            return str(_("A test event is on its way."))
        hours = forms.IntegerField(min_value=1, max_value=_MOST_HOURS - 1)
        since = clock.read_now() - timedelta(hours=hours.clean(request.POST.get("hours", "")))
        count, _more = endpoints.replay_since(endpoint, since)
        sentence = ngettext("{} event is sent again.", "{} events are sent again.", count)
        return sentence.format(grouped_number(count))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        may = {f"may_{verb}": has_right(request, right) for verb, right in RIGHTS.items()}
        context.update(
            may, show_save=False, show_save_and_continue=False, endpoint=kwargs.get("obj")
        )
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("event types"))
    def type_list(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(endpoint.types) or str(_("all"))

    @admin.display(description=_("why it is disabled"))
    def reason(self, endpoint: WebhookEndpoint) -> str:
        code, _separator, answer = endpoint.disabled_reason.partition(": ")
        texts = {
            "asked": _("as asked for"),
            "gone": _("the receiver wants no more"),
            "attempts": _("an event failed ten times, last with:"),
        }
        return f"{texts.get(code, code)} {answer}".strip() if code else "–"

    @admin.display(description=_("disabled at"))
    def disabled_time(self, endpoint: WebhookEndpoint) -> str:
        return exact_time(endpoint.disabled_at) or self.get_empty_value_display()

    @admin.display(description=_("the former secret signs until"))
    def old_secret_time(self, endpoint: WebhookEndpoint) -> str:
        return exact_time(endpoint.old_secret_until) or self.get_empty_value_display()

    @admin.display(description=_("deliveries"))
    def deliveries_link(self, endpoint: WebhookEndpoint) -> SafeString:
        url = reverse("admin:coupons_webhookdelivery_changelist")
        label = _("deliveries to this endpoint")
        return format_html('<a href="{}?endpoint__id__exact={}">{}</a>', url, endpoint.pk, label)
