"""Who does something to a coupon or a campaign, for its history."""

from dataclasses import dataclass

from coupons.models import ActorKind


@dataclass(frozen=True, slots=True)
class Actor:
    """`name`: a key's prefix, an operator's name, a user; for the clock the name of its task."""

    kind: ActorKind
    name: str
