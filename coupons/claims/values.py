"""The values of a claim, from the request to the row. Frozen, small, no I/O."""

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """The outcomes of admission. Failures are not among them: they are exceptions
    (`coupons.errors`)."""

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

    `nth` is part of the claim's identity, not a count of tries: a retry with the same `nth` is the
    same claim and gets the same answer.
    """

    user: str
    nth: int = 1


@dataclass(frozen=True, slots=True)
class AdmittedClaim:
    """A claim with its place, as it is queued and becomes a coupon.

    `admitted_ms` is the admitting store's clock, in milliseconds since the Unix epoch. `request` is
    the id of the request that got the place; if it is not known any more, `put-back` when reconcile
    found the claim lost, else empty. `mac`: see `claims.queue_macs`; empty if the claim has none.
    """

    user: str
    nth: int
    place: int
    admitted_ms: int
    request: str = ""
    mac: bytes = field(default=b"", compare=False)


@dataclass(frozen=True, slots=True)
class Admission:
    """The decision about one claim.

    `place` is 0 unless the outcome holds a place. `at_ms` is when the claim was admitted, or,
    without a place, when it was refused: the deciding store's clock, in milliseconds. 0: refused
    without asking that store (`not_eligible`). `last_place_ms`, of `sold_out` only: when the last
    place was given; None: not known. `opens_ms`, of `not_open` only: when it opens as that store
    knows it; None: as the campaign says.
    """

    outcome: Outcome
    place: int
    at_ms: int
    last_place_ms: int | None = None
    opens_ms: int | None = None

    @property
    def holds_a_place(self) -> bool:
        return self.place > 0


class QueueMac(StrEnum):
    """The setting QUEUE_MAC: whether entries on their way from Redis to MySQL carry a MAC."""

    OFF = "off"
    WRITTEN = "written"  # written, and checked where there is one
    REQUIRED = "required"  # an entry without one becomes no coupon


class Reason(StrEnum):
    """Why a claim was parked."""

    UNREADABLE = "unreadable"
    PLACE_TAKEN = "place_taken"
    USER_HOLDS_ANOTHER = "user_holds_another"
    CODE_TAKEN = "code_taken"
    BEYOND_STOCK = "beyond_stock"
    REJECTED = "rejected"
    UNWRITABLE = "unwritable"
    UNSIGNED = "unsigned"
    FORGED = "forged"
