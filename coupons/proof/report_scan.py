"""One pass over a closed campaign's coupons, in the order of their places: what single rows show.

For each place one byte, for each coupon eight: ten million coupons take 90 MB. Nothing is changed.
"""

import itertools
import math
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from coupons.campaigns import snapshot
from coupons.claims.limits import slot_id
from coupons.database import availability, clock
from coupons.errors import StoreFailure
from coupons.models import Campaign, CampaignProof, Coupon
from coupons.proof import build, check
from coupons.store import claimant_field, store

SHOWN = 20  # places of a finding that are listed
BINS = 240  # of the curves over time
_PARTS = 16  # of the users' hashes, so that a part is sorted at a time
Tell = Callable[[int], None]  # places read so far
Row = tuple[int, str, int, int, int]  # place, user, nth, admitted and stored in ms


@dataclass(slots=True)
class Found:
    """How many places a check has found, and the first of them."""

    count: int = 0
    places: list[int] = field(default_factory=list)

    def add(self, place: int) -> None:
        self.count += 1
        if len(self.places) < SHOWN:
            self.places.append(place)


@dataclass(frozen=True, slots=True)
class Span:
    """The time that the curves show: from `begin_ms`, in BINS steps of `step_ms`."""

    begin_ms: int
    step_ms: int

    def bin_of(self, ms: int) -> int:
        return min(max(0, (ms - self.begin_ms) // self.step_ms), BINS - 1)


def span_between(begin_ms: int, end_ms: int) -> Span:
    return Span(begin_ms, max(1, math.ceil((end_ms - begin_ms + 1) / BINS)))


@dataclass(slots=True)
class Scan:
    """`changed`: ranges of places whose receipts are others than those published; None: no root is
    published. `not_told` None: Redis does not have the campaign any more. `lags_ms`: from admission
    to the row, milliseconds → coupons."""

    coupons: int = 0
    twice: Found = field(default_factory=Found)
    holes: Found = field(default_factory=Found)
    inversions: Found = field(default_factory=Found)
    same_user: Found = field(default_factory=Found)
    not_told: Found | None = None
    changed: list[list[int]] | None = None
    lags_ms: Counter[int] = field(default_factory=Counter)
    admitted: list[int] = field(default_factory=lambda: [0] * BINS)
    stored: list[int] = field(default_factory=lambda: [0] * BINS)


def scan_coupons(
    campaign: Campaign, *, last: int, span: Span, ask_redis: bool, tell: Tell = lambda _: None
) -> Scan:
    """Read the places 1 to `last`. With `ask_redis`, compare each coupon's user with Redis'
    claimants. Raises DatabaseAway, MissingKey; if Redis goes away, `not_told` is None."""
    return _Pass(campaign, last, span, ask_redis, tell).run()


class _Pass:
    def __init__(
        self, campaign: Campaign, last: int, span: Span, ask_redis: bool, tell: Tell
    ) -> None:
        self.campaign, self.last, self.span, self.tell = campaign, last, span, tell
        self.known = snapshot.snapshot_of(campaign)
        self.seen = bytearray(last + 1)  # by place; 0 is none
        self.latest_ms = 0
        self.users = [array("q") for _ in range(_PARTS)]
        self.result = Scan(not_told=Found() if ask_redis else None)
        with availability.require_database():
            self.proof = CampaignProof.objects.filter(campaign=campaign, root__isnull=False).first()
        self.nodes = build.nodes_of(self.proof) if self.proof else []
        self.changed: list[list[int]] = []

    def run(self) -> Scan:
        for first in range(1, self.last + 1, build.STEP):
            rows = self._rows(first, min(first + build.STEP - 1, self.last))
            self._look_at(rows)
            self._compare_receipts(first, rows)
            self._compare_claimants(rows)
            self.tell(min(first + build.STEP - 1, self.last))
        self._find_holes()
        self._find_same_users()
        if self.proof is not None:
            self.result.changed = self.changed
        return self.result

    def _rows(self, first: int, last: int) -> list[Row]:
        with availability.require_database():
            rows = (
                Coupon.objects.filter(
                    slot_id__gte=slot_id(self.campaign.pk, first),
                    slot_id__lte=slot_id(self.campaign.pk, last),
                )
                .order_by("slot_id")
                .annotate(
                    admitted_ms=clock.MillisecondsOf("admitted_at"),
                    stored_ms=clock.MillisecondsOf("stored_at"),
                )
            )
            return list(rows.values_list("place", "user", "nth", "admitted_ms", "stored_ms"))

    def _look_at(self, rows: list[Row]) -> None:
        result, span, users, latest_ms = self.result, self.span, self.users, self.latest_ms
        for place, user, nth, admitted_ms, stored_ms in rows:
            if place > self.last or self.seen[place]:
                result.twice.add(place)
                continue
            self.seen[place] = 1
            if admitted_ms < latest_ms:
                result.inversions.add(place)
            else:
                latest_ms = admitted_ms
            digest = hash((user, nth))
            users[digest & (_PARTS - 1)].append(digest)
            result.lags_ms[max(0, stored_ms - admitted_ms)] += 1
            result.admitted[span.bin_of(admitted_ms)] += 1
            result.stored[span.bin_of(stored_ms)] += 1
        self.latest_ms = latest_ms
        result.coupons += len(rows)

    def _compare_receipts(self, first: int, rows: list[Row]) -> None:
        """Against the published roots of the blocks."""
        if self.proof is None or first > self.proof.size:
            return
        last = min(first + build.STEP - 1, self.proof.size)
        receipts: list[str | None] = [None] * (last - first + 1)
        for place, user, nth, admitted_ms, _stored_ms in rows:
            if first <= place <= last:
                receipts[place - first] = self.known.receipt_of(
                    user=user, nth=nth, place=place, admitted_ms=admitted_ms
                )
        check.hide_later(receipts, first, self.proof.holes)
        for number, root in enumerate(build.block_roots(first, receipts), first // build.BLOCK):
            if number >= len(self.nodes) or self.nodes[number] != root:
                begin = number * build.BLOCK + 1
                self.changed.append([begin, min(begin + build.BLOCK - 1, self.proof.size)])

    def _compare_claimants(self, rows: list[Row]) -> None:
        """Coupons whose user Redis does not know on this place: nobody was told of them."""
        if self.result.not_told is None:
            return
        per_user = self.campaign.per_user
        fields = [claimant_field.encode_field(row[1], row[2], per_user) for row in rows]
        try:
            places = store().recovery.places_of(self.campaign.slug, fields)
        except StoreFailure:
            self.result.not_told = None
            return
        for row, told in zip(rows, places, strict=True):
            if told is None or told[0] != row[0]:
                self.result.not_told.add(row[0])

    def _find_holes(self) -> None:
        place = self.seen.find(0, 1)
        while place > 0:
            self.result.holes.add(place)
            place = self.seen.find(0, place + 1)

    def _find_same_users(self) -> None:
        """Users with two coupons of one number; whoever has none costs no second look."""
        twice = {digest for part in self.users for digest in _repeated(part)}
        if not twice:
            return
        first_of: dict[tuple[str, int], int] = {}
        for first in range(1, self.last + 1, build.STEP):
            for place, user, nth, *_ in self._rows(first, min(first + build.STEP - 1, self.last)):
                if hash((user, nth)) not in twice:
                    continue
                if first_of.setdefault((user, nth), place) != place:
                    self.result.same_user.add(place)


def _repeated(digests: "array[int]") -> Iterator[int]:
    ordered = sorted(digests)
    return (one for one, following in itertools.pairwise(ordered) if one == following)


def percentile_ms(counts: Counter[int], percent: float) -> int | None:
    """The smallest value that `percent` of all do not exceed; None: there are none."""
    wanted, passed = math.ceil(counts.total() * percent / 100), 0
    for value in sorted(counts):
        passed += counts[value]
        if passed >= wanted:
            return value
    return None
