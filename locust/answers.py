"""Interpretation of the API's answers, in one place. No I/O; knows only the API's contract."""

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
# Nothing was decided, or the decision is not known: the same person retries.
AGAIN = frozenset({
    "not_open", "paused", "too_many_requests", "no_answer", "store_away", "store_error",
    "database_away", "closed_for_repair", "queue_full", "outcome_unknown", "overloaded",
})  # fmt: skip
# A dependency is away or slow: a matter of capacity, unlike an answer that must never occur.
AWAY = AGAIN - {"not_open", "paused", "too_many_requests"}

_GROUPS = {"admitted": "admitted", "already_claimed": "already", "sold_out": "sold_out"}
GROUPS = ("admitted", "already", "sold_out", "refused", "error")


@dataclass(frozen=True, slots=True)
class ClaimAnswer:
    """One request of one person, and its answer.

    Times are seconds after the campaign's opening, by the server's clock. `due` is when the person
    intended to claim; the response time counts from there, so that a load generator that is late,
    or waits for a slow answer before the next request, can't hide it (coordinated omission).
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
    def response_ms(self) -> float:
        return (self.done - self.due) * 1000

    @property
    def outcome_group(self) -> str:
        """One of GROUPS, which are counted separately."""
        if not self.is_expected:
            return "error"
        return _GROUPS.get(self.outcome, "refused")

    @property
    def is_expected(self) -> bool:
        """Whether the outcome is in the contract, and has the right status."""
        return self.status in STATUSES.get(self.outcome, ())


def parse_answer(status: int, body: dict[str, Any], header: str | None) -> tuple[str, int, str]:
    """Outcome, place and code of an answer; 0 and "" if it has no place.

    The outcome is in a header, or else in a problem's `code`. (A coupon's code is called `code` as
    well; there the status decides.) Codes are returned without hyphens.
    """
    outcome = header or _outcome(status, body)
    if outcome not in PLACED:
        return outcome, 0, ""
    return outcome, int(body.get("place", 0)), strip_hyphens(str(body.get("code", "")))


def strip_hyphens(code: str) -> str:
    """A coupon's code as it is stored, without hyphens."""
    return code.replace("-", "")


def _outcome(status: int, body: dict[str, Any]) -> str:
    if status in (201, 202):
        return "admitted"
    if status == 200:
        return "already_claimed"
    return str(body.get("code") or f"http_{status}")
