"""A process that does one thing to the campaign `sale`, over and over: `granter ACTION SEED COUNT`.

Prints `ready`, waits for a line, and prints one JSON line with all its answers: [user, outcome,
place]. ACTION is a function below; those of `BROKEN` lack a protection: the negative controls.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import transaction  # noqa: E402
from django.db.models import F  # noqa: E402

from coupons.admission import strategies  # noqa: E402
from coupons.audit.actors import Actor  # noqa: E402
from coupons.campaigns import lifecycle as campaigns  # noqa: E402
from coupons.campaigns import lookup, slots  # noqa: E402
from coupons.claims.values import Claim  # noqa: E402
from coupons.errors import CouponError  # noqa: E402
from coupons.grants import granting, returns  # noqa: E402
from coupons.models import ActorKind, Coupon, Returned, WaitlistEntry  # noqa: E402
from coupons.recovery import rebuild  # noqa: E402
from coupons.redemption import lifecycle  # noqa: E402
from coupons.store import Grantee, keys, store  # noqa: E402

Answer = tuple[str, str, int]
MINA = Actor(ActorKind.OPERATOR, "Mina")
USERS = 60


def grant(choose: random.Random) -> list[Answer]:
    users = [f"user-{choose.randrange(USERS)}" for _ in range(5)]
    granted = granting.grant_places("sale", [Grantee(user, 1, "") for user in users], actor=MINA)
    return [(one.user, one.verdict.value, one.place) for one in granted]


def claim(choose: random.Random) -> list[Answer]:
    user = f"user-{choose.randrange(USERS)}"
    admission = strategies.admit(lookup.find_snapshot("sale"), Claim(user))
    return [(user, admission.outcome.value, admission.place)]


def resize(choose: random.Random) -> list[Answer]:
    stock = choose.randrange(5, 200)
    campaigns.change_stock("sale", stock=stock, actor="Mina")
    return [("", "resized", stock)]


def renew(choose: random.Random) -> list[Answer]:
    rebuild.renew_campaign("sale", actor="Mina")
    time.sleep(0.01)
    return []


def revoke(choose: random.Random) -> list[Answer]:
    pk = choose.choice(list(Coupon.objects.filter(user__startswith="winner").values_list("pk")))[0]
    lifecycle.revoke_coupon(pk=pk, actor=MINA, reason="x", returns=True)
    return []


def undo(choose: random.Random) -> list[Answer]:
    revoked = Coupon.objects.filter(life__state="revoked").values_list("pk", flat=True)
    for pk in list(revoked):
        with suppress(CouponError):
            lifecycle.undo_revocation(pk, actor=MINA, reason="x")
    return []


def give_on(choose: random.Random) -> list[Answer]:
    time.sleep(0.01)
    return [("", "given on", returns.give_on_returned("sale"))]


def look_then_grant(choose: random.Random) -> list[Answer]:
    """Without the script: read, decide in Python, write."""
    user, names = f"user-{choose.randrange(USERS)}", keys.campaign_keys("sale")
    client: Any = store().client
    known = client.hget(names.claimants, user)
    if known is not None:
        return [(user, "has_place", int.from_bytes(known[:4]))]
    place = int(client.hget(names.gate, "next") or 0) + 1
    time.sleep(0.001)
    client.hset(names.gate, "next", place)
    client.hset(names.claimants, user, place.to_bytes(4) + (1).to_bytes(6))
    return [(user, "granted", place)]


def grant_without_slots(choose: random.Random) -> list[Answer]:
    granting._make_slots = lambda slug, count: None
    slots.has_slots = lambda campaign, upto: True
    return grant(choose)


def give_on_without_counting_first(choose: random.Random) -> list[Answer]:
    """Look how many returned, grant, and count them afterwards."""
    row = Returned.objects.filter(campaign__slug="sale").first()
    due = row.returned - row.given_on if row else 0
    time.sleep(0.01)  # others look now
    waiting = WaitlistEntry.objects.filter(state="waiting").order_by("number")[:due]
    for entry in list(waiting):
        granting.grant_places("sale", [Grantee(entry.user, 1, "")], actor=MINA)
        with transaction.atomic():
            WaitlistEntry.objects.filter(pk=entry.pk).update(state="served")
            Returned.objects.filter(given_on__lt=F("returned")).update(given_on=F("given_on") + 1)
    return []


_ACTIONS = (
    grant, claim, resize, renew, revoke, undo, give_on, look_then_grant, grant_without_slots,
    give_on_without_counting_first,
)  # fmt: skip
ACTIONS: dict[str, Callable[[random.Random], list[Answer]]] = {
    action.__name__: action for action in _ACTIONS
}


def main(action: str, seed: str, count: str) -> None:
    act, choose, told = ACTIONS[action], random.Random(int(seed)), list[Answer]()
    lookup.find_snapshot("sale")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()  # all processes start at once
    for _ in range(int(count)):
        try:
            told += act(choose)
        except CouponError as error:
            told.append(("", error.code, 0))
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
