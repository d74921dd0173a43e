"""Compares the history of a run with the contents of Redis and MySQL. Pure functions without I/O.

Each verdict is a function that returns one item for each fault; empty: none.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from config.development.demo import told_stored
from config.development.demo.told_stored import Row
from coupons.claims.quantities import counted_noun
from tests.crash.history import FAIL, NEVER, OK, Ask


@dataclass(frozen=True, slots=True)
class Found:
    """The contents of both stores after the queue has drained; `sampled` are counts of rows before.

    `given` is the number of places that Redis gave, `claimants` the place of each user in Redis;
    `queued` are users whose claims wait or were parked.
    """

    stock: int
    rows: Sequence[Row]
    given: int
    claimants: dict[str, int]
    waiting: int = 0
    parked: int = 0
    sampled: Sequence[int] = field(default_factory=tuple)
    queued: frozenset[str] = frozenset()


Verdict = Callable[[Sequence[Ask], Found], list[str]]


def over_issued(asks: Sequence[Ask], found: Found) -> list[str]:
    """More than the stock: rows at any time, users told a place, places given."""
    told_places = {ask.reply.place for ask in _told_asks(asks)}
    people = {ask.user for ask in _told_asks(asks)}
    most = max(len(found.rows), found.given, len(people), *found.sampled, 0)
    beyond = {
        place for place in told_places | {row.place for row in found.rows} if place > found.stock
    }
    excess = max(0, most - found.stock)
    return [f"{most} issued of {found.stock}"] * excess or [
        f"place {place} of {found.stock}" for place in sorted(beyond)
    ]


def find_duplicates(asks: Sequence[Ask], found: Found) -> list[str]:
    """A user, a place or a code with two coupons, among those stored and told."""
    return [str(each) for each in told_stored.find_duplicates(_told_coupons(asks), found.rows)]


def find_lost(asks: Sequence[Ask], found: Found) -> list[str]:
    """A place and a code that were told, without a row."""
    missing = told_stored.find_lost(_told_coupons(asks), found.rows)
    return [f"{coupon.user} was told place {coupon.place}" for coupon in missing]


def find_hidden(asks: Sequence[Ask], found: Found) -> list[str]:
    """Users who were told a place and have neither a row nor a claim that waits or was parked, so
    that no report would show the loss."""
    known = {row.user for row in found.rows} | found.queued
    return [f"{user} was told" for user in sorted({ask.user for ask in _told_asks(asks)} - known)]


def find_ghosts(asks: Sequence[Ask], found: Found) -> list[str]:
    """A row of a user who never claimed, or whom Redis admitted to another place."""
    users = {ask.user for ask in asks}
    return [
        f"{row.user} at place {row.place}"
        for row in found.rows
        if row.user not in users or found.claimants.get(row.user) != row.place
    ]


def find_holes(asks: Sequence[Ask], found: Found) -> list[str]:
    """Places from 1 to the highest that are missing in Redis or in MySQL."""
    stored = {row.place for row in found.rows}
    known = set(found.claimants.values())
    highest, in_both = max(found.given, *stored, *known, 0), stored & known
    return [f"place {place}" for place in range(1, highest + 1) if place not in in_both]


def changed_answers(asks: Sequence[Ask], found: Found) -> list[str]:
    """Users with two different answers: different bodies, `admitted` twice, a refusal after a
    place."""
    return [user for user, own in _by_user(asks).items() if _has_changed(own)]


def _has_changed(own: list[Ask]) -> bool:
    ok = _told_asks(own)
    bodies = {(a.reply.place, a.reply.code, a.reply.receipt, a.reply.admitted_at) for a in ok}
    first = sum(ask.reply.outcome == "admitted" for ask in ok)
    told_at = min((ask.completed for ask in ok), default=NEVER)
    refused_later = any(ask.reply.kind == FAIL and ask.invoked > told_at for ask in own)
    return len(bodies) > 1 or first > 1 or refused_later


def find_order(asks: Sequence[Ask], found: Found) -> list[str]:
    """Users who were admitted although their request was sent after an answer `sold_out`."""
    over = min((ask.completed for ask in asks if ask.reply.outcome == "sold_out"), default=NEVER)
    holders = {row.user for row in found.rows} | {ask.user for ask in _told_asks(asks)}
    begun = _sent_at(asks)
    return [user for user in sorted(holders) if user in begun and begun[user] > over]


def find_inversions(asks: Sequence[Ask], found: Found) -> list[str]:
    """First come, first served in real time: a user whose answer came before another user's request
    was sent must have the lower place."""
    begun, ended = _sent_at(asks), _told_at(asks)
    wrong, earliest = [], NEVER
    for row in sorted(found.rows, key=lambda row: row.place, reverse=True):
        if begun.get(row.user, 0) > earliest:
            wrong.append(f"place {row.place} ({row.user})")
        earliest = min(earliest, ended.get(row.user, NEVER))
    return wrong


def under_issued(asks: Sequence[Ask], found: Found) -> list[str]:
    """Stock left although users who wanted it were refused or have no answer."""
    left = min(found.stock, len({ask.user for ask in asks})) - len(found.rows)
    return [f"{left} of {found.stock} left"] * max(0, left)


def find_unanswered(asks: Sequence[Ask], found: Found) -> list[str]:
    """Users without a place or a refusal, although all faults were repaired at the end."""
    return [
        user
        for user, own in _by_user(asks).items()
        if not any(ask.reply.kind in (OK, FAIL) for ask in own)
    ]


def find_unforeseen(asks: Sequence[Ask], found: Found) -> list[str]:
    """Answers that are neither a place, nor a refusal, nor a 503."""
    outcomes = Counter(ask.reply.outcome for ask in asks)
    return [f"{times} x {name}" for name, times in outcomes.items() if name.startswith("status ")]


def find_unsettled(asks: Sequence[Ask], found: Found) -> list[str]:
    """Claims that still wait, or were parked."""
    return [
        *(
            [counted_noun(found.waiting, "claim still waits", "claims still wait")]
            if found.waiting
            else []
        ),
        *(
            [counted_noun(found.parked, "claim was parked", "claims were parked")]
            if found.parked
            else []
        ),
    ]


# By its word in the record of a run.
VERDICTS: dict[str, Verdict] = {
    "over_issued": over_issued,
    "duplicates": find_duplicates,
    "lost": find_lost,
    "hidden": find_hidden,
    "ghosts": find_ghosts,
    "holes": find_holes,
    "changed_answers": changed_answers,
    "order": find_order,
    "inversions": find_inversions,
    "under_issued": under_issued,
    "unanswered": find_unanswered,
    "unforeseen": find_unforeseen,
    "unsettled": find_unsettled,
}


def judge_asks(asks: Sequence[Ask], found: Found) -> dict[str, list[str]]:
    """Every verdict by name with its faults. All lists empty: the run passed."""
    return {name: verdict(asks, found) for name, verdict in VERDICTS.items()}


def _told_coupons(asks: Iterable[Ask]) -> list[Row]:
    return [Row(ask.user, ask.reply.place, ask.reply.code) for ask in _told_asks(asks)]


def _told_asks(asks: Iterable[Ask]) -> list[Ask]:
    return [ask for ask in asks if ask.reply.kind == OK]


def _by_user(asks: Iterable[Ask]) -> dict[str, list[Ask]]:
    own: dict[str, list[Ask]] = defaultdict(list)
    for ask in asks:
        own[ask.user].append(ask)
    return own


def _sent_at(asks: Iterable[Ask]) -> dict[str, float]:
    """By user: when the request was sent that got the place; if its answer was lost, the user's
    first request."""
    begun: dict[str, float] = {}
    for ask in sorted(asks, key=lambda ask: ask.invoked):
        if ask.reply.outcome == "admitted":
            begun[ask.user] = ask.invoked
        begun.setdefault(ask.user, ask.invoked)
    return begun


def _told_at(asks: Iterable[Ask]) -> dict[str, float]:
    told: dict[str, float] = {}
    for ask in _told_asks(asks):
        told[ask.user] = min(ask.completed, told.get(ask.user, NEVER))
    return told
