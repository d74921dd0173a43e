"""The verdict on an opening: compares the answers that users got with the stored rows. Pure
functions, no I/O."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from config.development.demo.told_stored import Row, find_duplicates, find_lost
from coupons.claims.quantities import counted_noun
from coupons.claims.values import HOLDS_A_PLACE, Outcome

NO_ANSWER = "no_answer"  # the connection broke, or nothing came in time

# Answers that decide nothing: the same user asks again.
AGAIN = frozenset({
    NO_ANSWER, Outcome.NOT_OPEN, "store_away", "store_error", "database_away",
    "closed_for_repair", "queue_full", "outcome_unknown", "too_many_requests", "overloaded",
    "not_stored_yet", "busy",
})  # fmt: skip
_STATUSES: dict[str, int] = {
    Outcome.ADMITTED: 202,
    Outcome.ALREADY_CLAIMED: 200,
    Outcome.SOLD_OUT: 409,
}
_FINAL = _STATUSES.keys()


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to one request. `ask` numbers a user's asks; retries belong to the same ask.

    `sent_at` is seconds of this machine's clock, `admitted_ms` milliseconds of Redis'.
    """

    user: str
    ask: int
    status: int
    outcome: str
    place: int = 0
    code: str = ""
    receipt: str = ""
    admitted_ms: int = 0
    sent_at: float = 0.0
    latency_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Opening:
    """The expected numbers: coupons, users, and asks of all users together."""

    stock: int
    users: int
    asks: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The counts, and a sentence for each fault; no faults means that the opening was correct."""

    told: int
    stored: int
    duplicates: int
    over_issued: int
    lost: int
    changed_answers: int
    faults: tuple[str, ...]


def judge_opening(opening: Opening, answers: Sequence[Answer], rows: Sequence[Row]) -> Verdict:
    """A user counts as told if any answer named a place: the first answer may have been lost."""
    told = _told(answers)
    coupons = [Row(user, answer.place, answer.code) for user, answer in told.items()]
    counts = {
        "told": len(told),
        "stored": len(rows),
        "duplicates": _count_duplicates(coupons, rows),
        "over_issued": max(0, max(len(told), len(rows)) - opening.stock),
        "lost": len(find_lost(coupons, rows)),
        "changed_answers": _count_changed(answers),
    }
    faults = (*_count_faults(opening, counts), *_answer_faults(opening, answers, told, rows))
    return Verdict(**counts, faults=faults)


def _told(answers: Iterable[Answer]) -> dict[str, Answer]:
    """Each user's first answer with a place."""
    told: dict[str, Answer] = {}
    for answer in answers:
        if answer.outcome in HOLDS_A_PLACE:
            told.setdefault(answer.user, answer)
    return told


def _count_duplicates(coupons: list[Row], rows: Sequence[Row]) -> int:
    """Users with two coupons and places with two users, told or stored."""
    found = find_duplicates(coupons, rows)
    return len({(kind, value) for kind, value, _ in found if kind != "code"})


def _count_changed(answers: Iterable[Answer]) -> int:
    """How many users got two different final answers, or "admitted" (sent only once) twice."""
    answers_of: dict[str, set[tuple[int, str, str, int]]] = defaultdict(set)
    admitted: Counter[str] = Counter()
    for a in answers:
        if a.outcome in _FINAL:
            answers_of[a.user].add((a.place, a.code, a.receipt, a.admitted_ms))
            admitted[a.user] += a.outcome == Outcome.ADMITTED
    return sum(len(distinct) > 1 or admitted[user] > 1 for user, distinct in answers_of.items())


def _count_faults(opening: Opening, counts: dict[str, int]) -> list[str]:
    told, stored = counts["told"], counts["stored"]
    expected = min(opening.stock, opening.users)
    faults = []
    if told != stored:
        faults.append(f"{told:,} were told that they hold a coupon, but {stored:,} are stored.")
    if told != expected:
        faults.append(
            f"{told:,} were told that they hold a coupon, but {expected:,} should have been."
        )
    faults += [
        f"{counted_noun(counts[name], *forms)} {rest}"
        for name, (*forms, rest) in _WRONGS.items()
        if counts[name]
    ]
    return faults


# Count → its noun and verb for one and for many, and the rest of the sentence.
_WRONGS = {
    "duplicates": ("user or place has", "users or places have", "two coupons."),
    "over_issued": ("coupon was", "coupons were", "issued beyond the stock."),
    "lost": ("person was", "people were", "told a place and code that are not stored."),
    "changed_answers": ("person", "people", "heard two different answers."),
}


def _answer_faults(
    opening: Opening, answers: Sequence[Answer], told: dict[str, Answer], rows: Sequence[Row]
) -> list[str]:
    unresolved = opening.asks - len({(a.user, a.ask) for a in answers if a.outcome in _FINAL})
    untold = {row.user for row in rows} - told.keys()
    holes = set(range(1, len(told) + 1)) - {answer.place for answer in told.values()}
    faults = []
    if unresolved:
        faults.append(f"{counted_noun(unresolved, 'ask')} never got an answer to live with.")
    if untold:
        coupons = counted_noun(len(untold), "coupon is", "coupons are")
        faults.append(f"{coupons} stored of which nobody was told.")
    if holes:
        places = counted_noun(len(holes), "place")
        faults.append(f"Nobody was given {places} between 1 and {len(told):,}.")
    return faults + [
        f"{counted_noun(times, 'unexpected answer')}: {status} {outcome or 'without a code'}."
        for (status, outcome), times in Counter(_unexpected(answers)).items()
    ]


def _unexpected(answers: Iterable[Answer]) -> list[tuple[int, str]]:
    return [
        (a.status, a.outcome)
        for a in answers
        if a.outcome not in AGAIN and _STATUSES.get(a.outcome) != a.status
    ]
