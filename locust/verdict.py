"""The verdict: compare the answers that people got with the stored rows. Pure, without I/O."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from answers import AWAY, PLACED, ClaimAnswer
from quantities import counted_noun

# A kind of fault: noun and verb for one and for many of them, and the rest of the sentence.
Fault = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """A stored coupon."""

    user: str
    place: int
    code: str


@dataclass(frozen=True, slots=True)
class ClaimStatus:
    """The status of an admitted person's claim, from the API after the run."""

    user: str
    status: str
    place: int
    code: str


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """An exception of the load generator, and how many simulated users it ended."""

    count: int
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The counts, and one sentence for each kind of fault; none: the run is correct."""

    told: int
    stored: int
    asked_back: int
    faults: tuple[str, ...]

    @property
    def is_correct(self) -> bool:
        return not self.faults


def judge_answers(
    answers: Sequence[ClaimAnswer],
    rows: Sequence[Row] | None,
    statuses: Sequence[ClaimStatus] = (),
    *,
    stock: int,
    failures: Sequence[LoadFailure] = (),
) -> Verdict:
    """Compare answers and rows. Told: who got a place in any answer, since the first may be lost.

    `rows` is None without access to the database; then `statuses` must cover all told people.
    """
    told = _told(answers)
    checks = {**_answers(answers, told), **_wrong_statuses(told, statuses)}
    if rows is None:
        stored = sum(status.status == "issued" for status in statuses)
        unqueried = len(told) - len(statuses)
        checks["person was|people were", "told a place, and not queried"] = unqueried
    else:
        stored = len(rows)
        checks |= _rows(answers, told, rows, stock)
    faults = tuple(_sentence(fault, count) for fault, count in checks.items() if count > 0)
    return Verdict(
        len(told), stored, len(statuses), faults + _failures(failures) + _nothing_decided(answers)
    )


def _sentence(fault: Fault, count: int) -> str:
    forms, rest = fault
    return f"{counted_noun(count, *forms.split('|'))} {rest}."


def _told(answers: Iterable[ClaimAnswer]) -> dict[str, ClaimAnswer]:
    """User → their first answer with a place."""
    told: dict[str, ClaimAnswer] = {}
    for one in answers:
        if one.outcome in PLACED:
            told.setdefault(one.user, one)
    return told


def _answers(answers: Sequence[ClaimAnswer], told: dict[str, ClaimAnswer]) -> dict[Fault, int]:
    """Faults that the answers alone show, and how many."""
    odd = [one for one in answers if not one.is_expected and one.outcome not in AWAY]
    return {
        (
            "answer violates|answers violate",
            f"the API's contract, such as {_as_text(odd[0]) if odd else ''}",
        ): len(odd),
        ("person|people", "got two different answers"): _count_changed(answers),
        ("place was|places were", "given to two people"): _count_twice(
            one.place for one in told.values()
        ),
    }


def _as_text(one: ClaimAnswer) -> str:
    return f"{one.status} {one.outcome}"


def _count_changed(answers: Iterable[ClaimAnswer]) -> int:
    """How many people got two places, a place and `sold_out`, or `admitted` twice."""
    places: dict[str, set[tuple[int, str]]] = defaultdict(set)
    admitted: Counter[str] = Counter()
    for one in answers:
        if one.outcome in PLACED or one.outcome == "sold_out":
            places[one.user].add((one.place, one.code))
            admitted[one.user] += one.outcome == "admitted"
    return sum(len(found) > 1 or admitted[user] > 1 for user, found in places.items())


def _count_twice(things: Iterable[object]) -> int:
    return sum(times > 1 for times in Counter(things).values())


def _rows(
    answers: Sequence[ClaimAnswer], told: dict[str, ClaimAnswer], rows: Sequence[Row], stock: int
) -> dict[Fault, int]:
    """Faults that the database's rows show, and how many."""
    stored = {(row.user, row.place, row.code) for row in rows}
    unheard = {one.user for one in answers if one.outcome in AWAY}
    untold = {row.user for row in rows} - told.keys() - unheard
    highest = max((row.place for row in rows), default=0)
    refused = any(one.outcome == "sold_out" for one in answers)
    return {
        ("person was|people were", "told a place and code that are not stored"): sum(
            (one.user, one.place, one.code) not in stored for one in told.values()
        ),
        ("coupon is|coupons are", "stored that nobody was told of"): len(untold),
        ("person has|people have", "two coupons"): _count_twice(row.user for row in rows),
        ("place is|places are", "stored twice"): _count_twice(row.place for row in rows),
        ("coupon is|coupons are", "stored beyond the stock"): len(rows) - stock,
        ("place is|places are", "not stored, below the highest place"): highest
        - len({row.place for row in rows}),
        ("coupon was|coupons were", "left when people were answered sold_out"): (stock - len(rows))
        * refused,
    }


def _wrong_statuses(
    told: dict[str, ClaimAnswer], statuses: Sequence[ClaimStatus]
) -> dict[Fault, int]:
    wrong = [
        one
        for one in statuses
        if (one.status, one.place, one.code)
        != ("issued", told[one.user].place, told[one.user].code)
    ]
    rest = "another status, place or code in the API than was told"
    return {("claim has|claims have", rest): len(wrong)}


def _failures(failures: Sequence[LoadFailure]) -> tuple[str, ...]:
    """Faults of the load generator: the answers of these people are not known."""
    return tuple(
        f"{counted_noun(one.count, 'failure')} of the load generator: {one.message.rstrip('.')}."
        for one in failures
    )


def _nothing_decided(answers: Sequence[ClaimAnswer]) -> tuple[str, ...]:
    """A fault if no claim was decided."""
    decided = any(one.outcome in PLACED or one.outcome == "sold_out" for one in answers)
    return () if decided else ("No claim was decided: this run proves nothing.",)
