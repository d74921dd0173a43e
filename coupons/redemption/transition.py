"""The transaction of a step: lock the coupon, read its life, decide, write, record, tell.

The coupon's row is the one lock of its life; the drain only inserts coupons and never waits for it.
The version is the second line of defence: a step is written only over the life it was decided for.
Lock order: idempotent call, coupon, returned stock.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import F

from coupons.audit import origin
from coupons.audit.actors import Actor
from coupons.errors import Busy, UnknownCoupon
from coupons.models import Coupon, CouponEvent, CouponLife, CouponState, Returned, Verb
from coupons.observability import life_metrics, request_id
from coupons.redemption import rows
from coupons.redemption.states import Life
from coupons.redemption.steps import Step, stock_given_on
from coupons.redemption.terms import CampaignTerms, campaign_terms
from coupons.webhooks import outbox

# The event that a merchant is told of, by verb.
MESSAGE_TYPES = {
    Verb.RESERVE: "coupon.reserved",
    Verb.RENEW: "coupon.reserved",
    Verb.RELEASE: "coupon.released",
    Verb.REDEEM: "coupon.redeemed",
    Verb.CANCEL: "coupon.redemption_cancelled",
    Verb.REVOKE: "coupon.revoked",
    Verb.GIVE_BACK: "coupon.revoked",
    Verb.UNDO_REVOKE: "coupon.revocation_undone",
    Verb.EXPIRE: "coupon.expired",
    Verb.EXTEND: "coupon.extended",
}
Decide = Callable[[Life, datetime], Step | None]


@dataclass(frozen=True, slots=True)
class Locked:
    """A coupon whose row this transaction has locked. `now`: the database's clock after that."""

    life: Life
    code: str
    now: datetime
    terms: CampaignTerms


def lock_coupon(*, merchant_id: int | None = None, **coupon: Any) -> Locked:
    """Lock the coupon with this `code` or `pk` until the transaction ends. Raises UnknownCoupon,
    also for a coupon of another merchant; with `merchant_id` None any coupon is found."""
    slot = rows.lock_slot(**coupon)
    if slot is None:
        raise UnknownCoupon(NO_SUCH_COUPON)
    return read_coupon(merchant_id=merchant_id, pk=slot)


def read_coupon(*, merchant_id: int | None = None, **coupon: Any) -> Locked:
    """As `lock_coupon`, without the lock: for what only reads. Also by `campaign__slug`."""
    if "campaign__slug" in coupon:
        found = Coupon.objects.filter(**coupon).values_list("pk", flat=True).first()
        coupon = {"pk": found or 0}
    row = rows.read_row(**coupon)
    terms = campaign_terms(row.life.campaign_id) if row is not None else None
    if row is None or terms is None or merchant_id not in (None, terms.merchant_id):
        raise UnknownCoupon(NO_SUCH_COUPON)
    return Locked(row.life, row.code, row.now, terms)


NO_SUCH_COUPON = "There is no coupon with this code."


def take_step(locked: Locked, decide: Decide, actor: Actor) -> tuple[Life, CouponEvent | None]:
    """Decide and write one step of a locked coupon. Returns its life after it, and its event, or
    None if there was nothing to do. Raises what `decide` raises; StockGivenOn."""
    step = decide(locked.life, locked.now)
    if step is None:
        return locked.life, None
    if step.returns:  # first: nothing is written before the last refusal
        _count_return(locked.life.campaign_id, step.returns)
    life = _write_life(locked, step)
    event = _write_event(locked, step, actor)
    outbox.record_message(
        locked.terms.merchant_id,
        MESSAGE_TYPES[step.verb],
        message_data(life, locked.terms, step),
        locked.now,
    )
    life_metrics.COUPON_STEPS.labels(step.verb.value).inc()
    return life, event


def _write_life(locked: Locked, step: Step) -> Life:
    before = locked.life
    values = {**step.changes, "state": step.after, "changed_at": locked.now}
    if before.version == 0:
        row = CouponLife(coupon_id=before.slot, campaign_id=before.campaign_id, version=1, **values)
        rows.insert_row(row)
    else:
        found = CouponLife.objects.filter(pk=before.slot, version=before.version)
        if found.update(version=before.version + 1, **values) != 1:
            raise Busy("The coupon was changed without its lock.")
    return _replaced(before, version=before.version + 1, **values)


def _replaced(life: Life, **values: Any) -> Life:
    return replace(life, **values)


def _write_event(locked: Locked, step: Step, actor: Actor) -> CouponEvent:
    event = CouponEvent(
        coupon_id=locked.life.slot,
        version=locked.life.version + 1,
        at=locked.now,
        verb=step.verb,
        before=_state_before(locked, step),
        after=step.after,
        actor_kind=actor.kind,
        actor=actor.name[:150],
        reference=step.reference,
        order_ref=step.order_ref,
        subtotal=step.subtotal,
        discount=step.discount,
        reason=step.reason,
        request_id=request_id.current_request_id() or None,
        address=origin.current_address() or None,
        data=step.data,
    )
    rows.insert_row(event)
    origin.count_row()
    return event


def _state_before(locked: Locked, step: Step) -> str:
    """As it read; before a recorded expiry: as it was stored."""
    if step.verb is Verb.EXPIRE:
        return locked.life.state
    return locked.life.state_at(locked.now)


def _count_return(campaign_id: int, units: int) -> None:
    """Count units of stock that came back; taking one back fails if it was given on."""
    counts = Returned.objects.filter(campaign_id=campaign_id)
    if units < 0:
        if not counts.filter(returned__gt=F("given_on")).update(returned=F("returned") + units):
            raise stock_given_on()
    elif not counts.update(returned=F("returned") + units):
        Returned.objects.get_or_create(campaign_id=campaign_id)
        counts.update(returned=F("returned") + units)


def message_data(life: Life, terms: CampaignTerms, step: Step) -> dict[str, Any]:
    """What a webhook says: thin, without the code. `version` orders the messages of a coupon."""
    return {
        "coupon": str(life.slot),
        "campaign": terms.slug,
        "user": life.user,
        "state": CouponState(step.after).value,
        "version": life.version,
        "order_ref": step.order_ref,
        "reference": str(step.reference) if step.reference else None,
    }
