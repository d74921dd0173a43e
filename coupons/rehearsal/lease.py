"""Who works on the running rehearsal: one process at a time, by a lease of the database's clock."""

from datetime import timedelta
from typing import Any

from coupons.database import availability, clock
from coupons.errors import Overtaken
from coupons.models import Rehearsal

LEASE = timedelta(seconds=90)  # longer than any step


def running_rehearsal() -> Rehearsal | None:
    with availability.require_database():
        return Rehearsal.objects.select_related("campaign").filter(running=True).first()


def take_lease(rehearsal: Rehearsal) -> bool:
    """Take a lease that has ended, or was given back."""
    now = clock.read_now()
    with availability.require_database():
        rows = Rehearsal.objects.filter(pk=rehearsal.pk, running=True, leased_until__lt=now)
        taken = rows.update(leased_until=now + LEASE)
        rehearsal.refresh_from_db()
    return bool(taken)


def save_rehearsal(rehearsal: Rehearsal, **changes: Any) -> None:
    """Save changes and renew the lease. Raises Overtaken if another process took the rehearsal
    over: this one slept for longer than its lease."""
    now = clock.read_now()
    with availability.require_database():
        rows = Rehearsal.objects.filter(
            pk=rehearsal.pk, running=True, leased_until=rehearsal.leased_until
        )
        values = {"leased_until": now + LEASE} | changes
        if not rows.update(**values):
            raise Overtaken(f"{rehearsal.shadow} is worked on by another process.")
        rehearsal.refresh_from_db()


def give_back(rehearsal: Rehearsal) -> None:
    """Let another process go on at once."""
    save_rehearsal(rehearsal, leased_until=clock.read_now())
