"""Makes steps of a coupon's life in processes that die at a named line: `dying_step`.

Reads lines of JSON, `[ROAD, POINT, KEY, FUNCTION, [ARGUMENTS]]`, and prints the exit status of the
process that was forked for each: 137 if it died as if by kill -9, else 0. POINT is `nowhere`, or
the function before which (`before:`) or after which (`after:`) it dies; KEY an Idempotency-Key.
ROAD is `product`, or `commits-early`: the negative control.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from tests.concurrency import redeemer  # sets Django up  # isort: skip
from django.db import connection, transaction
from django.test import RequestFactory
from rest_framework.request import Request

from coupons.api.merchant import idempotency
from coupons.api.merchant.idempotency import Answer
from coupons.database import availability
from coupons.merchants.api_keys import MerchantCaller
from coupons.redemption import lifecycle, transition
from coupons.webhooks import outbox
from tests.crash.drainer import make_dying

POINTS: dict[str, tuple[Any, str]] = {
    "key": (idempotency, "_begin"),
    "lock": (lifecycle, "lock_coupon"),
    "life": (transition, "_write_life"),
    "event": (transition, "_write_event"),
    "return": (transition, "_count_return"),
    "message": (outbox, "record_message"),
    "answer": (idempotency, "_finish"),
    "commit": (transaction.Atomic, "__exit__"),
}


def make_step(key: str, name: str, arguments: list[Any]) -> None:
    def act() -> Answer:
        result: Any = redeemer.CALLS[name](*arguments)
        return Answer(201, {"state": result.life.state, "version": result.life.version})

    idempotency.answer_once(request_with(key), {}, act)


def request_with(key: str) -> Request:
    request = Request(RequestFactory().post("/", headers={"Idempotency-Key": key}))
    caller: Any = MerchantCaller(redeemer.MERCHANT, "books", "cpk_test", frozenset())
    request.user = caller
    return request


def die_at(point: str) -> None:
    when, name = point.split(":")
    place, attribute = POINTS[name]
    original = getattr(place, attribute)
    dying = make_dying(original, when)
    if name != "commit":
        setattr(place, attribute, dying)
        return

    def leave(atomic: Any, *exception: Any) -> Any:
        """The outermost block commits; the others are savepoints."""
        is_outermost = len(transaction.get_connection().savepoint_ids) == 0
        return (dying if is_outermost else original)(atomic, *exception)

    setattr(place, attribute, leave)


def commit_each_write() -> None:
    """As if the key, the life and the event were each a transaction of its own."""
    for place, name in ((idempotency, "_begin"), (transition, "_write_life")):
        setattr(place, name, committing(getattr(place, name)))


def committing(write: Callable[..., Any]) -> Callable[..., Any]:
    def call(*given: Any) -> Any:
        result = write(*given)
        connection.connection.commit()
        return result

    return call


def run_forked(road: str, point: str, key: str, name: str, arguments: list[Any]) -> int:
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            if road == "commits-early":
                commit_each_write()
            if point != "nowhere":
                die_at(point)
            with availability.require_database():
                make_step(key, name, arguments)
            os._exit(0)
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    for line in sys.stdin:
        print(run_forked(*json.loads(line)), flush=True)
