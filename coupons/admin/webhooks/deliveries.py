"""The admin of deliveries: only read. What a receiver answered is shown as the text of its bytes: a
stranger wrote it."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from coupons.admin.coupons.keyset_list import KeysetChangeList
from coupons.admin.formatting import exact_time
from coupons.admin.list_lookups import OfferedLookups
from coupons.admin.rights import HIDDEN, shown_columns
from coupons.admin.typed import DeliveryBase
from coupons.models import WebhookDelivery
from coupons.models.webhook import DeliveryState

_ENDPOINT, _STATE = "endpoint__id__exact", "state__exact"  # as Django names them in addresses
_MOST_SHOWN = 300  # characters of an answer


class DeliveryChangeList(KeysetChangeList):
    """A filter's page is read from its index first; an endpoint's newest deliveries state by state,
    along the same one."""

    def narrowed(self, queryset: QuerySet[Any], count: int) -> QuerySet[Any]:
        chosen = self.get_filters_params()
        rows = WebhookDelivery.objects.all()
        try:
            if _ENDPOINT in chosen:
                rows = rows.filter(endpoint_id=UUID(_last(chosen[_ENDPOINT])))
        except ValueError:  # of a list without a choice of endpoints, which ignores it
            return queryset
        if _STATE not in chosen and _ENDPOINT not in chosen:
            return queryset
        states = [_last(chosen[_STATE])] if _STATE in chosen else DeliveryState.values
        found = [self.nearest_keys(rows.filter(state=state), count) for state in states]
        # Without the conditions by which they were found: MariaDB could read along those again.
        keys = [key for some in found for key in some]
        return self.root_queryset.filter(pk__in=keys).order_by("-pk")


def _last(value: Any) -> Any:
    return value[-1] if isinstance(value, list) else value


class WebhookDeliveryAdmin(OfferedLookups, DeliveryBase):
    list_display = ("event", "event_time", "endpoint", "state", "attempts", "result", "due_time")
    list_display_links = ("event",)
    list_filter = ("state", "endpoint")
    list_select_related = ()  # a join could start at the wrong table
    list_per_page = 50
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    actions = None
    fields = readonly_fields = (
        "event", "event_id", "event_time", "shown_body", "endpoint", "state", "attempts",
        "result", "answer_text", "duration_ms", "last_time", "due_time",
    )  # fmt: skip

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DeliveryChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        """With events and endpoints by a query each for the rows of a page."""
        return super().get_queryset(request).prefetch_related("message", "endpoint")

    def get_fields(self, request: HttpRequest, obj: WebhookDelivery | None = None) -> Any:
        return shown_columns(request, self.fields)

    def get_readonly_fields(self, request: HttpRequest, obj: WebhookDelivery | None = None) -> Any:
        return shown_columns(request, self.fields)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: WebhookDelivery | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: WebhookDelivery | None = None
    ) -> bool:
        return False

    @admin.display(description=_("event type"))
    def event(self, delivery: WebhookDelivery) -> str:
        return delivery.message.type

    @admin.display(description=_("event"))
    def event_id(self, delivery: WebhookDelivery) -> str:
        return str(delivery.message.message_id)

    @admin.display(description=_("happened at"))
    def event_time(self, delivery: WebhookDelivery) -> str:
        return exact_time(delivery.message.at)

    @admin.display(description=_("data"))
    def shown_body(self, delivery: WebhookDelivery) -> str:
        return str(delivery.message.body)

    @admin.display(description=_("data"))
    def hidden_body(self, delivery: WebhookDelivery) -> str:
        return HIDDEN

    @admin.display(description=_("last attempt"))
    def result(self, delivery: WebhookDelivery) -> str:
        parts = (delivery.last_error, str(delivery.last_status or ""))
        text = " ".join(part for part in parts if part)
        return text or self.get_empty_value_display()

    @admin.display(description=_("beginning of the answer"))
    def answer_text(self, delivery: WebhookDelivery) -> str:
        return ascii(bytes(delivery.answer or b""))[2:-1][:_MOST_SHOWN] or "–"

    @admin.display(description=_("last attempt at"))
    def last_time(self, delivery: WebhookDelivery) -> str:
        return exact_time(delivery.last_at) or self.get_empty_value_display()

    @admin.display(description=_("due at"))
    def due_time(self, delivery: WebhookDelivery) -> str:
        is_waiting = delivery.state == "waiting"
        return exact_time(delivery.due_at) if is_waiting else self.get_empty_value_display()
