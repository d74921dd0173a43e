"""A process that grants, serves or works on a job, and dies at a named line: `dying_grant ACTION
POINT`.

POINT is `nowhere`, or the function before which (`before:`) or after which (`after:`) the process
exits as if by kill -9.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from coupons.audit.actors import Actor  # noqa: E402
from coupons.bulk import jobs  # noqa: E402
from coupons.campaigns import update  # noqa: E402
from coupons.grants import granting, returns, waitlist_storing, waitlist_turns  # noqa: E402
from coupons.models import ActorKind  # noqa: E402
from coupons.store import Grantee, store  # noqa: E402
from coupons.store.waitlist import WaitlistCalls  # noqa: E402
from tests.crash.drainer import make_dying  # noqa: E402

MINA = Actor(ActorKind.OPERATOR, "Mina")


def grant() -> None:
    granting.grant_places("sale", [Grantee(f"user-{n}", 1, f"r-{n}") for n in range(5)], actor=MINA)


ACTIONS: dict[str, Callable[[], Any]] = {
    "grant": grant,
    "store-waitlist": lambda: waitlist_storing.store_joined("sale"),
    "give-on": lambda: returns.give_on_returned("sale"),
    "work": jobs.work_on_jobs,
}
POINTS: dict[str, tuple[Any, str]] = {
    "slots": (granting, "_make_slots"),
    "redis": (type(store().grants), "grant"),
    "save": (granting, "_save"),
    "grant": (granting, "grant_places"),
    "write": (waitlist_storing, "_write_batch"),
    "delete": (WaitlistCalls, "delete_joined"),
    "speak": (waitlist_turns, "_speak_for_units"),
    "places": (waitlist_turns, "_write_places"),
    "copy": (update, "copy_definition"),
    "verdicts": (jobs, "_write_verdicts"),
    "revoke": (jobs, "revoke_line"),
    "revoke-lines": (jobs, "_revoke_lines"),
}


def main(action: str, point: str) -> None:
    if point != "nowhere":
        when, name = point.split(":")
        place, attribute = POINTS[name]
        setattr(place, attribute, make_dying(getattr(place, attribute), when))
    ACTIONS[action]()


if __name__ == "__main__":
    main(*sys.argv[1:])
