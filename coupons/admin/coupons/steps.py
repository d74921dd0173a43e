"""What an operator can do to a coupon: each is one call to `coupons.redemption.lifecycle`, with a
reason that is kept in the coupon's history."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from coupons.admin.refusals import show_refusal
from coupons.audit.actors import Actor
from coupons.audit.log import typed_reason
from coupons.errors import CouponError, IllegalStep
from coupons.models import ActorKind, CouponState
from coupons.models.rights import Right
from coupons.redemption import lifecycle
from coupons.redemption.lifecycle import Result
from coupons.redemption.states import Life
from coupons.redemption.steps import CAUSES


@dataclass(frozen=True, slots=True)
class Asked:
    """A verb's form as it was sent."""

    life: Life
    actor: Actor
    reason: str
    fields: QueryDict


@dataclass(frozen=True, slots=True)
class LifeVerb:
    """`label` is in English, and translated when it is shown. `offered_in`: what the coupon reads
    as where its button is shown; `lifecycle` decides if it is allowed."""

    name: str
    label: str
    call: Callable[[Asked], Result]
    right: Right
    offered_in: frozenset[CouponState]
    fields: tuple[str, ...] = ()  # of its form, beside the reason


def _release(asked: Asked) -> Result:
    hold = asked.life.hold_id
    if hold is None:
        raise IllegalStep(_("No order holds the coupon."))
    return lifecycle.release_hold(hold, merchant_id=None, actor=asked.actor, reason=asked.reason)


def _cancel(asked: Asked) -> Result:
    cause = asked.fields.get("cause", "")
    if asked.life.redemption is None or cause not in CAUSES:
        raise IllegalStep(_("Choose the cause of the cancellation."))
    return lifecycle.cancel_redemption(
        asked.life.redemption, merchant_id=None, actor=asked.actor, cause=cause, reason=asked.reason
    )


def _revoke(asked: Asked) -> Result:
    return lifecycle.revoke_coupon(
        pk=asked.life.slot,
        actor=asked.actor,
        reason=asked.reason,
        force="force" in asked.fields,
        returns="returns" in asked.fields,
    )


def _undo(asked: Asked) -> Result:
    return lifecycle.undo_revocation(asked.life.slot, actor=asked.actor, reason=asked.reason)


def _extend(asked: Asked) -> Result:
    end = _moment(asked.fields.get("end", ""))
    return lifecycle.extend_coupon(asked.life.slot, end, actor=asked.actor, reason=asked.reason)


def _moment(typed: str) -> datetime:
    """As a browser sends it, in the page's time zone. Raises IllegalStep."""
    try:
        at = parse_datetime(typed)
    except ValueError:
        at = None
    if at is None:
        raise IllegalStep(_("Enter a valid date/time."))
    return timezone.make_aware(at) if timezone.is_naive(at) else at


_S = CouponState
VERBS = {
    verb.name: verb
    for verb in (
        LifeVerb("release", gettext_noop("Release"), _release, Right.RELEASE, frozenset({_S.HELD})),
        LifeVerb(
            "cancel", gettext_noop("Cancel the redemption"), _cancel, Right.CANCEL,
            frozenset({_S.REDEEMED}), ("cause",),
        ),
        LifeVerb(
            "revoke", gettext_noop("Revoke"), _revoke, Right.REVOKE,
            frozenset({_S.ISSUED, _S.HELD}), ("returns", "force"),
        ),
        LifeVerb(
            "undo", gettext_noop("Undo the revocation"), _undo, Right.REVOKE,
            frozenset({_S.REVOKED}),
        ),
        LifeVerb(
            "extend", gettext_noop("Extend"), _extend, Right.EXTEND,
            frozenset({_S.ISSUED, _S.EXPIRED}), ("end",),
        ),
    )
}  # fmt: skip


def run_verb(verb: LifeVerb, life: Life, request: HttpRequest) -> None:
    """Do it as the operator, and show the result as a message."""
    try:
        reason = typed_reason(request.POST.get("reason", ""))
    except ValidationError as refusal:
        show_refusal(request, refusal)
        return
    if not reason:
        messages.error(request, _("Please give a reason; it is kept."))
        return
    actor = Actor(ActorKind.OPERATOR, request.user.get_username())
    try:
        result = verb.call(Asked(life, actor, reason, request.POST))
    except CouponError as refusal:
        show_refusal(request, refusal)
        return
    state = result.life.state_at(result.now).label
    text = _("The coupon is {state} now.") if result.is_new else _("The coupon is {state} already.")
    messages.success(request, text.format(state=state))
