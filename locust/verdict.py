"""The verdict: compare the answers that people got with the stored rows. Pure, without I/O."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from answers import AWAY, PLACED, ClaimAnswer


@dataclass(frozen=True, slots=True)
class Row:
    """A stored coupon."""

    user: str
    place: int
    code: str


@dataclass(frozen=True, slots=True)
class ClaimStatus:
    """The claim status from the API, after the run, of a person who was told a place."""

    user: str
    status: str
    place: int
    code: str


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """An exception of the load generator, and how many simulated people it ended."""

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
    heard: Sequence[ClaimAnswer],
    rows: Sequence[Row] | None,
    standings: Sequence[ClaimStatus] = (),
    *,
    stock: int,
    broken: Sequence[LoadFailure] = (),
) -> Verdict:
    """Told are the people who got a place in any answer, since the first answer may be lost.

    `rows` is None without access to the database; then `standings` must cover all told people.
    """
    told = _told(heard)
    checks = {**_answers(heard, told), **_standings(told, standings)}
    if rows is None:
        stored = sum(standing.status == "issued" for standing in standings)
        checks["were told a place, and nobody was asked about it"] = len(told) - len(standings)
    else:
        stored = len(rows)
        checks |= _rows(heard, told, rows, stock)
    faults = tuple(f"{count:,} {sentence}." for sentence, count in checks.items() if count > 0)
    return Verdict(len(told), stored, len(standings), faults + _broken(broken) + _nothing(heard))


def _told(heard: Iterable[ClaimAnswer]) -> dict[str, ClaimAnswer]:
    """User → their first answer with a place."""
    told: dict[str, ClaimAnswer] = {}
    for one in heard:
        if one.outcome in PLACED:
            told.setdefault(one.user, one)
    return told


def _answers(heard: Sequence[ClaimAnswer], told: dict[str, ClaimAnswer]) -> dict[str, int]:
    """Faults that the answers alone show: description → count."""
    odd = [one for one in heard if not one.is_expected and one.outcome not in AWAY]
    return {
        "answers are not of the contract, such as " + (_as_text(odd[0]) if odd else ""): len(odd),
        "people heard two different answers": _changed(heard),
        "places were given to two people": _twice(one.place for one in told.values()),
    }


def _as_text(one: ClaimAnswer) -> str:
    return f"{one.status} {one.outcome}"


def _changed(heard: Iterable[ClaimAnswer]) -> int:
    """How many people got two places, a place and `sold_out`, or `admitted` twice."""
    said: dict[str, set[tuple[int, str]]] = defaultdict(set)
    admitted: Counter[str] = Counter()
    for one in heard:
        if one.outcome in PLACED or one.outcome == "sold_out":
            said[one.user].add((one.place, one.code))
            admitted[one.user] += one.outcome == "admitted"
    return sum(len(answers) > 1 or admitted[user] > 1 for user, answers in said.items())


def _twice(things: Iterable[object]) -> int:
    return sum(times > 1 for times in Counter(things).values())


def _rows(
    heard: Sequence[ClaimAnswer], told: dict[str, ClaimAnswer], rows: Sequence[Row], stock: int
) -> dict[str, int]:
    """Faults that the database's rows show: description → count."""
    stored = {(row.user, row.place, row.code) for row in rows}
    unheard = {one.user for one in heard if one.outcome in AWAY}
    untold = {row.user for row in rows} - told.keys() - unheard
    highest = max((row.place for row in rows), default=0)
    refused = any(one.outcome == "sold_out" for one in heard)
    return {
        "people were told a place and code that are not stored": sum(
            (one.user, one.place, one.code) not in stored for one in told.values()
        ),
        "coupons are stored of which nobody was told": len(untold),
        "people have two coupons": _twice(row.user for row in rows),
        "places are stored twice": _twice(row.place for row in rows),
        "coupons are stored beyond the stock": len(rows) - stock,
        "places below the highest are stored for nobody": highest - len({r.place for r in rows}),
        "coupons were left when people heard that all are gone": (stock - len(rows)) * refused,
    }


def _standings(told: dict[str, ClaimAnswer], standings: Sequence[ClaimStatus]) -> dict[str, int]:
    wrong = [
        one
        for one in standings
        if (one.status, one.place, one.code)
        != ("issued", told[one.user].place, told[one.user].code)
    ]
    return {"people hear something else when they ask where their claim stands": len(wrong)}


def _broken(broken: Sequence[LoadFailure]) -> tuple[str, ...]:
    """Faults of the load generator: the answers of these people are not known."""
    return tuple(
        f"{one.count:,} times the load generator itself failed: {one.message.rstrip('.')}."
        for one in broken
    )


def _nothing(heard: Sequence[ClaimAnswer]) -> tuple[str, ...]:
    """A fault if no claim was decided: such a run proves nothing."""
    decided = any(one.outcome in PLACED or one.outcome == "sold_out" for one in heard)
    return () if decided else ("Nobody got an answer to live with.",)
