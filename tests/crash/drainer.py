"""A process that drains and dies at a named line: `drainer SLUG POINT`.

POINT is `nowhere`, or the function before which (`before:`) or after which (`after:`) the process
exits as if by kill -9. `wrong-order` acknowledges before it stores: the negative control.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import transaction  # noqa: E402

from coupons.issuing import queue, writer  # noqa: E402
from coupons.issuing.drain import drain  # noqa: E402

GONE = 137


def make_dying(function: Callable[..., Any], when: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            os._exit(GONE)
        function(*args, **kwargs)
        os._exit(GONE)

    return call


def acknowledging_first(slug: str, **arguments: Any) -> queue.Batch:
    batch = READ(slug, **arguments)
    queue.settle_claims(slug, list(batch.claims))
    return batch


READ = queue.read_batch
POINTS: dict[str, tuple[Any, str]] = {
    "insert": (writer, "insert_rows"),  # the whole transaction
    "commit": (transaction.Atomic, "__exit__"),
    "settle": (queue, "settle_claims"),
}


def main(slug: str, point: str) -> None:
    if point == "wrong-order":
        queue.read_batch = acknowledging_first
        writer.insert_rows = make_dying(writer.insert_rows, "before")
    elif point != "nowhere":
        when, name = point.split(":")
        place, attribute = POINTS[name]
        setattr(place, attribute, make_dying(getattr(place, attribute), when))
    print(drain(slug, consumer=f"drainer-{os.getpid()}"))


if __name__ == "__main__":
    main(*sys.argv[1:])
