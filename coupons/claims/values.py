"""The values a claim passes through, from the request to the row. Frozen, small, free of I/O."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What admission answers. Each is an answer; a failure is an exception (`coupons.errors`)."""

    ADMITTED = "admitted"
    ALREADY_CLAIMED = "already_claimed"
    SOLD_OUT = "sold_out"
    NOT_OPEN = "not_open"
    CLOSED = "closed"
    PAUSED = "paused"
    NOT_ELIGIBLE = "not_eligible"


HOLDS_A_PLACE = frozenset({Outcome.ADMITTED, Outcome.ALREADY_CLAIMED})


@dataclass(frozen=True, slots=True)
class Claim:
    """One user asking once for the `nth` coupon of a campaign (1-based).

    `nth` is part of what is asked, not a count of tries: asking again for the same `nth` is the
    same claim and gets the same answer.
    """

    user: str
    nth: int = 1


@dataclass(frozen=True, slots=True)
class AdmittedClaim:
    """A claim with its place: what crosses the queue and becomes a coupon.

    `admitted_ms` is the admitting store's clock, in milliseconds since the Unix epoch. `request` is
    the id of the request that got the place; where nobody knows it any more, `put-back` if
    reconcile found the claim lost, else empty.
    """

    user: str
    nth: int
    place: int
    admitted_ms: int
    request: str = ""


@dataclass(frozen=True, slots=True)
class Admission:
    """The decision about one claim.

    `place` is 0 unless the outcome holds a place. `at_ms` is when the claim was admitted, or,
    without a place, when it was refused: the deciding store's clock, in milliseconds.
    """

    outcome: Outcome
    place: int
    at_ms: int

    @property
    def holds_a_place(self) -> bool:
        return self.place > 0


class Reason(StrEnum):
    """Why a claim was parked."""

    UNREADABLE = "unreadable"
    PLACE_TAKEN = "place_taken"
    USER_HOLDS_ANOTHER = "user_holds_another"
    CODE_TAKEN = "code_taken"
    BEYOND_STOCK = "beyond_stock"
    REJECTED = "rejected"
    UNWRITABLE = "unwritable"
