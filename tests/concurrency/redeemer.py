"""Several processes that each run one verb of a coupon's life at the same moment: `redeemer COUNT`.

Reads a round as a JSON line, `{"road": ROAD, "calls": [[FUNCTION, [ARGUMENTS], {…}], …]}`, one call
for each process, and prints the answers in the same order. Its option `after_s` lets the others go
ahead. A road is `product`, or a negative
control: the same transaction with a protection removed.
"""

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any
from unittest import mock
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db.models import F, Max  # noqa: E402

from coupons.audit.actors import Actor  # noqa: E402
from coupons.campaigns import lookup  # noqa: E402
from coupons.errors import CouponError, DatabaseAway, NotStoredYet, UnknownCoupon  # noqa: E402
from coupons.issuing.drain import drain  # noqa: E402
from coupons.models import ActorKind, CouponEvent, CouponLife  # noqa: E402
from coupons.redemption import lifecycle, not_stored, transition  # noqa: E402
from coupons.redemption.lifecycle import Cart, Result  # noqa: E402
from coupons.redemption.states import Life  # noqa: E402
from coupons.redemption.steps import Step  # noqa: E402
from coupons.redemption.transition import Locked  # noqa: E402

ACTOR = Actor(ActorKind.KEY, "cpk_test")
OPERATOR = Actor(ActorKind.OPERATOR, "mina")
MERCHANT = 1
PAUSE_S = 0.02  # of a control between its look and what it does then
Patches = Callable[[ExitStack], None]


# The calls


def redeem(code: str, order: str) -> Result:
    return lifecycle.redeem_coupon(code, cart_of(order), merchant_id=MERCHANT, actor=ACTOR)


def redeem_until_stored(code: str, order: str, looks: int = 1_000) -> Result:
    """As a shop that hears `not_stored_yet` and asks again."""
    try:
        return not_stored.ask_stored(MERCHANT, lambda: redeem(code, order))
    except NotStoredYet:
        if not looks:
            raise
        time.sleep(0.001)
        return redeem_until_stored(code, order, looks - 1)


def reserve(code: str, order: str, seconds: int = 60) -> Result:
    return lifecycle.reserve_coupon(
        code, cart_of(order), merchant_id=MERCHANT, actor=ACTOR, seconds=seconds
    )


def release(hold: str) -> Result:
    return lifecycle.release_hold(UUID(hold), merchant_id=MERCHANT, actor=ACTOR)


def cancel(redemption: str, cause: str = "customer") -> Result:
    return lifecycle.cancel_redemption(
        UUID(redemption), merchant_id=MERCHANT, actor=ACTOR, cause=cause
    )


def revoke(code: str, returns: bool = False) -> Result:
    return lifecycle.revoke_coupon(code=code, actor=OPERATOR, reason="abuse", returns=returns)


def undo(pk: int) -> Result:
    return lifecycle.undo_revocation(pk, actor=OPERATOR, reason="a mistake")


def expire(pk: int) -> Result:
    return lifecycle.expire_coupon(pk, actor=Actor(ActorKind.CLOCK, "expiry"))


def extend(pk: int, end: str) -> Result:
    return lifecycle.extend_coupon(
        pk, datetime.fromisoformat(end), actor=OPERATOR, reason="goodwill"
    )


def cart_of(order: str) -> Cart:
    return Cart(order, Decimal(20_000), "KRW")


def store_waiting(slug: str) -> int:
    lookup.clear_snapshots()  # of an earlier test's campaign
    return drain(slug, consumer=f"redeemer-{os.getpid()}").stored


_CALLS = (
    redeem, redeem_until_stored, reserve, release, cancel, revoke, undo, expire, extend,
    store_waiting,
)  # fmt: skip
CALLS = {call.__name__: call for call in _CALLS}


# Roads


def read_without_locking(*, merchant_id: int | None = None, **coupon: Any) -> Locked:
    return transition.read_coupon(merchant_id=merchant_id, **coupon)


def write_over_any_version(locked: Locked, step: Step) -> Life:
    values = {**step.changes, "state": step.after, "changed_at": locked.now}
    life = {"coupon_id": locked.life.slot, "campaign_id": locked.life.campaign_id, "version": 0}
    CouponLife.objects.bulk_create([CouponLife(**life | values)], ignore_conflicts=True)
    CouponLife.objects.filter(pk=locked.life.slot).update(version=F("version") + 1, **values)
    return transition._replaced(locked.life, version=locked.life.version + 1, **values)


def write_a_further_event(locked: Locked, step: Step, actor: Actor) -> None:
    events = CouponEvent.objects.filter(coupon_id=locked.life.slot)
    version = events.aggregate(Max("version"))["version__max"] or 0
    life = transition._replaced(locked.life, version=version)
    WRITE_EVENT(Locked(life, locked.code, locked.now, locked.terms), step, actor)


WRITE_EVENT = transition._write_event


def without_the_lock(patches: ExitStack) -> None:
    for module in (transition, lifecycle):
        patches.enter_context(mock.patch.object(module, "lock_coupon", read_without_locking))


def without_the_version(patches: ExitStack) -> None:
    """Neither the row's nor the event's."""
    patch = mock.patch.object
    patches.enter_context(patch(transition, "_write_life", write_over_any_version))
    patches.enter_context(patch(transition, "_write_event", write_a_further_event))


def without_both(patches: ExitStack) -> None:
    """And slow between reading and writing, so that the others come in between."""

    def wait_and_write(locked: Locked, step: Step) -> Life:
        time.sleep(PAUSE_S)
        return write_over_any_version(locked, step)

    without_the_lock(patches)
    without_the_version(patches)
    patches.enter_context(mock.patch.object(transition, "_write_life", wait_and_write))


def looking_once(patches: ExitStack) -> None:
    """What is not found when nothing waits is unknown, without a second look."""

    def ask_stored(merchant: int, ask: Callable[[], Result]) -> Result:
        try:
            return ask()
        except UnknownCoupon:
            time.sleep(PAUSE_S)
            if not_stored._has_waiting(merchant):
                raise NotStoredYet from None
            raise

    patches.enter_context(mock.patch.object(not_stored, "ask_stored", ask_stored))


ROADS: dict[str, Patches] = {
    "product": lambda patches: None,
    "without-lock": without_the_lock,
    "without-version": without_the_version,
    "without-both": without_both,
    "looking-once": looking_once,
}


@contextmanager
def taking(road: str) -> Iterator[None]:
    with ExitStack() as patches:
        ROADS[road](patches)
        yield


# The processes


def asked_until_there(ask: Callable[[], Any], looks: int = 1_000) -> Any:
    """As a shop that hears `database_away` and asks again: on a busy machine the server has ended a
    session that was idle for long."""
    try:
        return ask()
    except DatabaseAway:
        if not looks:
            raise
        time.sleep(0.01)
        return asked_until_there(ask, looks - 1)


def answer_of(name: str, arguments: list[Any], options: dict[str, Any]) -> dict[str, Any]:
    time.sleep(options.pop("after_s", 0))
    try:
        result = asked_until_there(lambda: CALLS[name](*arguments, **options))
    except CouponError as error:
        return {"outcome": error.code, "call": name}
    except Exception as error:
        return {"outcome": type(error).__name__, "call": name, "text": str(error)}
    if not isinstance(result, Result):
        return {"outcome": "ok", "call": name, "is_new": bool(result)}
    reference = result.life.redemption or result.life.hold_id
    return {
        "outcome": "ok", "call": name, "is_new": result.is_new,
        "reference": str(reference) if reference else None, "state": result.life.state,
    }  # fmt: skip


def serve(pipe: Any, together: Any) -> None:
    while (asked := pipe.recv()) is not None:
        road, call = asked
        with taking(road):
            together.wait()  # all processes begin at once
            pipe.send(None if call is None else answer_of(*call))


def main(count: int) -> None:
    forking: Any = multiprocessing.get_context("fork")
    together = forking.Barrier(count)
    pipes = []
    for _ in range(count):
        ours, theirs = forking.Pipe()
        forking.Process(target=serve, args=(theirs, together), daemon=True).start()
        pipes.append(ours)
    for line in sys.stdin:
        asked = json.loads(line)
        calls = asked["calls"] + [None] * (count - len(asked["calls"]))
        for pipe, call in zip(pipes, calls, strict=True):
            pipe.send((asked["road"], call))
        answers = [pipe.recv() for pipe in pipes]
        print(json.dumps([answer for answer in answers if answer]), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
