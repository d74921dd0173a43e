"""What an answer means, decided in one place. Knows no server; only the API's contract."""

from dataclasses import dataclass
from typing import Any

# outcome → the statuses it may come with
STATUSES: dict[str, frozenset[int]] = {
    "admitted": frozenset({201, 202}),
    "already_claimed": frozenset({200}),
    "sold_out": frozenset({409}),
    "not_open": frozenset({409}),
    "closed": frozenset({410}),
    "paused": frozenset({503}),
    "not_eligible": frozenset({403}),
    "too_many_requests": frozenset({429}),
}
PLACED = frozenset({"admitted", "already_claimed"})
# Nothing was decided, or nobody heard what was: the same person may ask again.
AGAIN = frozenset({
    "not_open", "paused", "too_many_requests", "no_answer", "store_away", "store_error",
    "database_away", "closed_for_repair", "queue_full", "outcome_unknown", "overloaded",
})  # fmt: skip
# Something is away or late. A matter of capacity, told apart from an answer that must never come.
AWAY = AGAIN - {"not_open", "paused", "too_many_requests"}

_GROUPS = {"admitted": "admitted", "already_claimed": "already", "sold_out": "sold_out"}
GROUPS = ("admitted", "already", "sold_out", "refused", "error")


@dataclass(frozen=True, slots=True)
class Heard:
    """One ask of one person, and what came back.

    Moments are seconds after the campaign's opening, by the server's clock. `due` is when the
    person meant to ask; the response time counts from there, so that a load generator which is
    late, or waits for a slow answer before it asks the next time, cannot hide it.
    """

    user: str
    outcome: str
    status: int
    due: float
    sent: float
    done: float
    place: int = 0
    code: str = ""

    @property
    def ms(self) -> float:
        return (self.done - self.due) * 1000

    @property
    def group(self) -> str:
        """One of GROUPS: what is counted apart."""
        if not self.expected:
            return "error"
        return _GROUPS.get(self.outcome, "refused")

    @property
    def expected(self) -> bool:
        """An outcome of the contract, with the status that belongs to it."""
        return self.status in STATUSES.get(self.outcome, ())


def read(status: int, body: dict[str, Any], header: str | None) -> tuple[str, int, str]:
    """Outcome, place and code of an answer; a place only where one is given.

    The outcome stands in a header, or else in a problem's `code`. (A coupon's code is called
    `code` as well; there, the status decides.) Codes are compared without their hyphens.
    """
    outcome = header or _outcome(status, body)
    if outcome not in PLACED:
        return outcome, 0, ""
    return outcome, int(body.get("place", 0)), plain(str(body.get("code", "")))


def plain(code: str) -> str:
    """A coupon's code as it is stored."""
    return code.replace("-", "")


def _outcome(status: int, body: dict[str, Any]) -> str:
    if status in (201, 202):
        return "admitted"
    if status == 200:
        return "already_claimed"
    return str(body.get("code") or f"http_{status}")
