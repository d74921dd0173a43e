"""A process that delivers webhooks and dies at a named line: `deliverer POINT`.

POINT is `nowhere`, or the function before which (`before:`) or after which (`after:`) the process
exits as if by kill -9. `recorded-first` writes a delivery down before it sends it: the negative
control.
"""

import os
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import transaction  # noqa: E402

from coupons.webhooks import delivery, routing, sender  # noqa: E402
from coupons.webhooks.delivery import Lease  # noqa: E402
from coupons.webhooks.sender import Attempt, Result  # noqa: E402
from tests.crash.drainer import GONE, make_dying  # noqa: E402

POINTS: dict[str, tuple[Any, str]] = {
    "route": (routing, "route_messages"),
    "route-commit": (transaction.Atomic, "__exit__"),  # the first transaction is the routing's
    "take": (delivery, "take_endpoint"),
    "send": (sender, "post_message"),
    "record": (delivery, "record_attempt"),  # the whole transaction
    "record-write": (delivery, "_delivery_changes"),  # inside of it, before the commit
    "release": (delivery, "_release"),
}


def send_recorded(endpoint: Any, delivery: Any) -> Attempt:
    """Record before sending, as a sender would that marks a row and then sends it."""
    lease = Lease(endpoint, endpoint.busy_until)
    RECORD(lease, delivery, Attempt(Result.DELIVERED))
    os._exit(GONE)


def take_with_token() -> Any:
    lease, others = TAKE()
    if lease is not None:
        lease.endpoint.busy_until = lease.until
    return lease, others


TAKE, RECORD = delivery.take_endpoint, delivery.record_attempt


def main(point: str) -> None:
    if point == "recorded-first":
        delivery.take_endpoint = take_with_token
        delivery.send_delivery = send_recorded
    elif point != "nowhere":
        when, name = point.split(":")
        place, attribute = POINTS[name]
        setattr(place, attribute, make_dying(getattr(place, attribute), when))
    delivery.deliver_due(is_stopping=lambda: False, wake_another=lambda: None)


if __name__ == "__main__":
    main(*sys.argv[1:])
