"""A process that sends one request with an Idempotency-Key: `caller ROAD KEY NAME`.

What the request does is to insert a merchant called NAME-<process>. Prints `acting` inside of its
transaction, waits for a line, and prints the answer as a line of JSON: [status, body, replayed].
ROAD is `product`, or one of the negative controls: the row committed before what is done
(`row-first`), or after it (`row-last`).
"""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.http import HttpResponse  # noqa: E402
from django.test import RequestFactory  # noqa: E402
from rest_framework.request import Request  # noqa: E402

from coupons.api import problems  # noqa: E402
from coupons.api.merchant import idempotency  # noqa: E402
from coupons.api.merchant.idempotency import Answer  # noqa: E402
from coupons.errors import CouponError, IdempotencyInFlight  # noqa: E402
from coupons.merchants.api_keys import MerchantCaller  # noqa: E402
from coupons.models import IdempotentCall, Merchant  # noqa: E402

BODY = {"name": "a thing"}


def request_of(key: str, path: str = "/things") -> Request:
    request = Request(RequestFactory().post(path, headers={"Idempotency-Key": key}))
    shop = Merchant.objects.get(slug="shop")
    request.user = MerchantCaller(shop.pk, "shop", "aaaaaaaa", frozenset())  # type: ignore[assignment]
    return request


def wait_for_a_line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
    sys.stdin.readline()


def row_first(request: Request, act: idempotency.Act) -> HttpResponse:
    """Complaint 33: "in progress" is written down before the work, and stays if it dies."""
    call = idempotency.read_call(request, BODY, key_needed=True)
    assert call is not None
    rows = IdempotentCall.objects.filter(key=call.key)
    if (row := rows.first()) and not row.status:
        raise IdempotencyInFlight("The first request has not ended yet.")
    row = idempotency._begin(call)
    answer = act()
    idempotency._finish(row, answer)
    return HttpResponse(json.dumps(answer.body), status=answer.status)


def product(request: Request, act: idempotency.Act) -> HttpResponse:
    return idempotency.answer_once(request, BODY, act)


def row_last(request: Request, act: idempotency.Act) -> HttpResponse:
    return idempotency.answer_after(request, BODY, act)


ROADS = {"product": product, "row-first": row_first, "row-last": row_last}


def main(road: str, key: str, name: str) -> None:
    def act() -> Answer:
        made = Merchant.objects.create(slug=f"{name}-{os.getpid()}", name=name)
        wait_for_a_line("acting")
        return Answer(201, {"made": made.slug})

    request = request_of(key)
    wait_for_a_line("ready")
    try:
        response = ROADS[road](request, act)
    except CouponError as error:
        response = problems.error_response(error)
    replayed = response.get("Idempotency-Replayed", "")
    print(json.dumps([response.status_code, response.content.decode(), replayed]))


if __name__ == "__main__":
    main(*sys.argv[1:])
