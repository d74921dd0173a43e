"""Who does something to a coupon or a campaign, for its history."""

from dataclasses import dataclass

from coupons.models import ActorKind, AuditActor

# The names under which the service writes into a campaign's history by itself: beat, the proof, the
# consistency scan, the failover, the rehearsal.
MACHINES = frozenset({"clock", "proof", "reconcile", "fence", "rehearsal"})
_KEY = "key "  # before a key's prefix; no operator's name has a space


@dataclass(frozen=True, slots=True)
class Actor:
    """`name`: a key's prefix, an operator's name, a user; for the clock the name of its task."""

    kind: ActorKind
    name: str


def kind_of_actor(name: str) -> AuditActor:
    """Who an event of a campaign's history is of, as the audit log tells them apart: the clock, a
    merchant's key, or a person."""
    if name in MACHINES:
        return AuditActor.CLOCK
    return AuditActor.KEY if name.startswith(_KEY) else AuditActor.OPERATOR
