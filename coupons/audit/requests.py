"""Middleware: who sends a request of an operator or a merchant, and a row for one that left none.

So a new page or endpoint is in the log without a line of its own: with who, when and from where,
as the verb SENT. A verb's own row says more, and `tests/audit` demands it.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from coupons.audit import origin, trail
from coupons.audit.client_address import client_address
from coupons.audit.origin import Origin
from coupons.models import Act, AuditActor

OPERATORS, MERCHANTS = "/admin/", "/api/v1/merchant/"
_SAFE = {"GET", "HEAD", "OPTIONS"}
# Answers to a request that was answered before, and to a rehearsal.
_UNDONE = {"Idempotency-Replayed", "Dry-Run"}


def audit_requests(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    def middleware(request: HttpRequest) -> Any:
        if not request.path_info.startswith((OPERATORS, MERCHANTS)):
            return get_response(request)
        with origin.acting(lambda: origin_of(request)) as scope:
            response = get_response(request)
            if request.method not in _SAFE and scope.rows == 0:
                _record_silent(request, response, scope.refusal)
        return response

    return middleware


def origin_of(request: HttpRequest) -> Origin:
    """By the session or the key, as far as the request was looked at."""
    user: Any = getattr(request, "user", None)
    address, verb = client_address(request), _route_of(request)
    actor = getattr(user, "actor", None)  # of a merchant's caller
    if actor is not None:
        return Origin(AuditActor(str(actor.kind)), actor.name, address, verb)
    if user is not None and user.is_authenticated:
        return Origin(AuditActor.OPERATOR, user.get_username(), address, verb)
    return Origin(AuditActor.STRANGER, "", address, verb)


def _record_silent(request: HttpRequest, response: Any, refusal: str) -> None:
    """Of a merchant: what was done. Of an operator: what was refused, too."""
    if getattr(request, "audit_reads_only", False):
        return
    is_operators = request.path_info.startswith(OPERATORS)
    who = origin_of(request)
    if who.kind is AuditActor.STRANGER or _UNDONE & set(response.headers):
        return
    status = response.status_code
    if status >= 400 and not (is_operators and status == 403):
        return
    verb = Act.REFUSED if status == 403 or refusal else Act.SENT
    why: dict[str, Any] = {"refusal": refusal} if refusal else {"status": status}
    trail.record_or_log(
        verb, kind="request", id=f"{request.method} {who.verb}"[:150],
        after={"path": request.path_info, **why},
    )  # fmt: skip


def _route_of(request: HttpRequest) -> str:
    match = request.resolver_match
    return str(match.route) if match else request.path_info
