"""Idempotency-Key: a request that is sent again is answered as the first time, without being done
again.

    def post(self, request: Request) -> HttpResponse:
        body = read_body(request, FIELDS)

        def redeem() -> Answer:  # called inside a transaction
            return Answer(201, responses.redemption(lifecycle.redeem_coupon(…)))

        return idempotency.answer_once(request, body, redeem)

With a key, the frame's transaction is: look for the key's row, insert it, call the function (in a
savepoint), write its answer into the row, commit. So the row and what the request did are committed
together, or not at all: a process that dies leaves neither, and no request is "in flight" for
longer than its transaction.

| there is | the answer |
|---|---|
| no row | what the function answers |
| a row with the same fingerprint | the same bytes again, with `Idempotency-Replayed: true` |
| a row with another fingerprint | 422 idempotency_key_reused |
| a row that another transaction has not committed | 409 idempotency_in_flight, at once (NOWAIT) |

Two first requests in the same moment both find no row. The second one's INSERT waits for the first
one's commit, at most for a lock wait, and then replays it (409 if the wait ends first).
SQLite has no row locks: its transactions wait for each other, and the second replays the first.

Kept for 24 hours are 2xx and refusals that can't change by themselves (`FINAL`). Nothing else is
kept: the same request may succeed later (a hold that lapses, a store that is back, a corrected
body), and after a 5xx nothing was done. Where a natural key exists (coupon, order), a repeated
request without a key, or after 24 hours, has the same answer as well.

`?dry_run=1`: the function runs in a transaction that is rolled back; the key is not looked at.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import IntegrityError, OperationalError, transaction
from django.db.models.functions import Now
from django.http import HttpResponse
from rest_framework.request import Request

from coupons import errors
from coupons.api import problems
from coupons.api.merchant.auth import merchant_caller
from coupons.database import availability
from coupons.errors import (
    BadInput,
    CouponError,
    DatabaseAway,
    IdempotencyInFlight,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
)
from coupons.merchants import kept_calls
from coupons.models import IdempotentCall
from coupons.observability import life_metrics

HEADER = "Idempotency-Key"
FINAL = (
    errors.CouponRedeemed,
    errors.IllegalStep,
    errors.StockGivenOn,
    errors.CouponExpired,
    errors.CouponRevoked,
    errors.TooLateToCancel,
    errors.TermsNotMet,
    errors.DiscountDiffers,
)
_KEY = re.compile(r"[\x21-\x7e]{1,64}")
_LOCKED = frozenset({1205, 3572})  # NOWAIT on MariaDB, on MySQL
_DEADLOCK = 1213
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """`body`: JSON values."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    def as_response(self) -> HttpResponse:
        return _response(self.status, orjson.dumps(self.body), self.headers)


class _Again(Exception):
    """Another request has inserted the row of this key since we looked."""


@dataclass(frozen=True, slots=True)
class _Call:
    merchant_id: int
    key: str
    fingerprint: str


Act = Callable[[], Answer]


def answer_once(request: Request, body: Any, act: Act, *, key_needed: bool = False) -> HttpResponse:
    """Call `act` in a transaction, at most once for an Idempotency-Key, and answer.

    `body`: the request's body as read, for the fingerprint. `act` may be called a second time after
    a deadlock, when nothing of the first has remained: it must do nothing outside of the database.
    Raises BadInput, IdempotencyKeyMissing, IdempotencyKeyReused, IdempotencyInFlight, DatabaseAway,
    and what `act` raises.
    """
    call = read_call(request, body, key_needed=key_needed)
    if is_dry_run(request):
        return _rehearse(act).as_response()
    for left in reversed(range(_ATTEMPTS)):
        try:
            return _act_in_transaction(act).as_response() if call is None else _act_once(call, act)
        except _Again:
            if not left:
                raise _in_flight() from None
        except DatabaseAway as away:
            if not left or not _is_deadlock(away):
                raise
    raise AssertionError("unreachable")


def answer_after(
    request: Request, body: Any, act: Act, *, key_needed: bool = False
) -> HttpResponse:
    """As `answer_once`, for an `act` that has transactions of its own (a campaign's lifecycle) and
    is safe to repeat: its answer is kept in a transaction after them. Two requests with one key in
    the same moment both call `act`; so does a repeated one if the first died in between."""
    call = read_call(request, body, key_needed=key_needed)
    if call is None:
        return act().as_response()
    with availability.require_database(), transaction.atomic():
        known = _find_row(call)
        if known is not None:
            return _replay(known, call)
    answer = act()
    try:
        with availability.require_database(), transaction.atomic():
            _finish(_begin(call), answer)
    except _Again:
        pass  # the other request has kept its own
    return answer.as_response()


def is_dry_run(request: Request) -> bool:
    """`?dry_run=1`. Raises BadInput for another value."""
    given = request.query_params.get("dry_run", "0")
    if given not in ("0", "1"):
        raise BadInput("dry_run", "must be 0 or 1")
    return given == "1"


def read_call(request: Request, body: Any, *, key_needed: bool) -> _Call | None:
    """The call that the header names; None: there is no key. Raises BadInput,
    IdempotencyKeyMissing."""
    given = request._request.META.get("HTTP_IDEMPOTENCY_KEY")
    if given is None:
        if key_needed and not is_dry_run(request):
            raise IdempotencyKeyMissing("Send an Idempotency-Key header with this request.")
        return None
    key = given[1:-1] if len(given) > 2 and given[0] == given[-1] == '"' else given
    if not _KEY.fullmatch(key):
        raise BadInput(HEADER, "must be 1 to 64 printable ASCII characters without spaces")
    return _Call(merchant_caller(request).merchant_id, key, _fingerprint(request, body))


def _fingerprint(request: Request, body: Any) -> str:
    canonical = orjson.dumps(body, default=str, option=orjson.OPT_SORT_KEYS)
    method_and_path = f"{request.method} {request._request.get_full_path()}\n"
    return hashlib.sha256(method_and_path.encode() + canonical).hexdigest()


def _act_once(call: _Call, act: Act) -> HttpResponse:
    with availability.require_database(), transaction.atomic():
        known = _find_row(call)
        if known is not None:
            return _replay(known, call)
        row = _begin(call)
        answer = _act_or_refuse(act)
        _finish(row, answer)
    return answer.as_response()


def _act_in_transaction(act: Act) -> Answer:
    with availability.require_database(), transaction.atomic():
        return act()


def _rehearse(act: Act) -> Answer:
    with availability.require_database(), transaction.atomic():
        answer = act()
        transaction.set_rollback(True)
    return Answer(answer.status, answer.body, answer.headers | {"Dry-Run": "true"})


def _act_or_refuse(act: Act) -> Answer:
    """A final refusal is an answer that is kept; what was written before it is rolled back."""
    try:
        with transaction.atomic():
            return act()
    except FINAL as refusal:
        return _refusal(refusal)


def _refusal(error: CouponError) -> Answer:
    life_metrics.COUPON_REFUSALS.labels(error.code).inc()
    document = problems.error_response(error).content
    return Answer(error.status, orjson.loads(document))


def _find_row(call: _Call) -> IdempotentCall | None:
    """The committed row of this key, locked. Raises IdempotencyInFlight."""
    rows = IdempotentCall.objects.filter(merchant=call.merchant_id, key=call.key)
    try:
        row = rows.select_for_update(nowait=True).first()
    except OperationalError as error:
        if error.args and error.args[0] in _LOCKED:
            raise _in_flight() from None
        raise
    if row is not None and row.at < kept_calls.oldest_kept():
        row.delete()
        return None
    return row


def _begin(call: _Call) -> IdempotentCall:
    """Insert the row, before anything is done. Raises _Again, IdempotencyInFlight."""
    row = IdempotentCall(
        merchant_id=call.merchant_id, key=call.key, fingerprint=call.fingerprint,
        status=0, answer="", at=Now(),
    )  # fmt: skip
    try:
        row.save(force_insert=True)
    except IntegrityError:
        raise _Again from None
    except OperationalError as error:
        if error.args and error.args[0] == 1205:
            raise _in_flight() from None
        raise
    return row


def _finish(row: IdempotentCall, answer: Answer) -> None:
    row.status, row.answer = answer.status, orjson.dumps(answer.body).decode()
    row.headers = answer.headers
    row.save(update_fields=["status", "answer", "headers"])


def _replay(row: IdempotentCall, call: _Call) -> HttpResponse:
    if row.fingerprint != call.fingerprint:
        raise IdempotencyKeyReused("This Idempotency-Key came with another request before.")
    response = _response(row.status, row.answer.encode(), row.headers)
    response["Idempotency-Replayed"] = "true"
    return response


def _response(status: int, content: bytes, headers: dict[str, str]) -> HttpResponse:
    kind = "application/json" if status < 400 else problems.MEDIA_TYPE
    response = HttpResponse(content, status=status, content_type=kind)
    for name, value in headers.items():
        response[name] = value
    return response


def _is_deadlock(away: DatabaseAway) -> bool:
    cause = away.__cause__
    return bool(cause and cause.args and cause.args[0] == _DEADLOCK)


def _in_flight() -> IdempotencyInFlight:
    return IdempotencyInFlight("The first request with this Idempotency-Key has not ended yet.")
