"""The admin of deliveries: only read. What a receiver answered is shown as the text of its bytes: a
stranger wrote it."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from coupons.admin.formatting import exact_time
from coupons.admin.typed import DeliveryBase
from coupons.models import WebhookDelivery

_MOST_COUNTED = 10_000
_MOST_SHOWN = 300  # characters of an answer


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than _MOST_COUNTED: a count of millions takes a second."""

    @property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:_MOST_COUNTED].count())


class WebhookDeliveryAdmin(DeliveryBase):
    list_display = ("event", "event_time", "endpoint", "state", "attempts", "result", "due_time")
    list_display_links = ("event",)
    list_filter = ("state", "endpoint")
    list_select_related = ("message", "endpoint")
    list_per_page = 50
    ordering = ("-message",)
    sortable_by = ()
    paginator = BoundedPaginator
    show_full_result_count = False
    actions = None
    fields = readonly_fields = (
        "event", "event_id", "event_time", "event_body", "endpoint", "state", "attempts",
        "result", "answer_text", "duration_ms", "last_time", "due_time",
    )  # fmt: skip

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
    def event_body(self, delivery: WebhookDelivery) -> str:
        return str(delivery.message.body)

    @admin.display(description=_("last attempt"))
    def result(self, delivery: WebhookDelivery) -> str:
        parts = (delivery.last_error, str(delivery.last_status or ""))
        return " ".join(part for part in parts if part) or self.get_empty_value_display()

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
