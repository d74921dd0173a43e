"""Rows that a walked verb has left, and what is demanded of them."""

from itertools import count
from typing import Any

from coupons.models import Act, AuditEvent, CouponEvent

_numbers = count(1)
# Rows that every request and command leaves: a verb's own says more.
_PLAIN = {Act.SENT, Act.REFUSED}


def next_number() -> int:
    """A number that no other request of this run has."""
    return next(_numbers)


def rows_of(request_id: str) -> list[AuditEvent | CouponEvent]:
    """Rows of this request that say what was done."""
    acts = AuditEvent.objects.filter(request_id=request_id).exclude(verb__in=_PLAIN)
    return [*acts, *CouponEvent.objects.filter(request_id=request_id)]


def demand_event(rows: list[Any], *, by: str) -> None:
    assert rows, "no event says what was done"
    for row in rows:
        assert row.at is not None
        assert row.address
        assert by in row.actor, (row.actor, by)
