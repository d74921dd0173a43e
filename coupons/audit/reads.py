"""Rows for reads of other people's coupons: by support on the pages, by a merchant's key, exports.

One row for each operator (or key), coupon and hour: who looks at one coupon all day leaves 24.
"""

from datetime import timedelta

from django.db import Error as DatabaseError
from django.utils import timezone

from coupons.audit import origin, trail
from coupons.models import Act, AuditEvent

EVERY = timedelta(hours=1)


def record_read(
    *, kind: str, id: object, user: str | None = None, campaign: int | None = None,
    verb: Act = Act.READ,
) -> None:  # fmt: skip
    """Unless this one has read the same within the last hour."""
    who = origin.current_origin()
    try:
        known = AuditEvent.objects.filter(
            object_kind=kind, object_id=str(id)[:150], actor=who.name, verb=str(verb),
            at__gt=timezone.now() - EVERY,
        )  # fmt: skip
        if known.exists():
            return
    except DatabaseError:
        pass  # the row is a line of the log then
    trail.record_or_log(verb, kind=kind, id=id, user=user, campaign=campaign)
