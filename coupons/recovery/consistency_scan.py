"""Full consistency scan: compare every place of a campaign in Redis and in MySQL.

One byte per place records where the place was found. Sources are read in this order: the number of
places given, waiting and parked claims, coupons, claimants. A claim is deleted from the queue only
after its row is committed, so a claim that moves during the scan is found in the queue or, later,
in MySQL: a difference that is found is real.

Repairs are safe to repeat: a claim that is neither stored nor queued goes back on the queue (if it
was stored meanwhile, the writer finds it stored); a coupon's user whom Redis does not know is
written to its claimants.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from coupons.broker import wakeups
from coupons.claims import holder_filter, timestamps
from coupons.claims.limits import slot_id
from coupons.claims.quantities import counted_noun
from coupons.claims.values import AdmittedClaim
from coupons.database import availability
from coupons.issuing import queue
from coupons.models import Campaign, Coupon, GivenUp
from coupons.observability.metrics import Gap
from coupons.observability.request_id import PUT_BACK
from coupons.recovery import rebuild
from coupons.store import Claimant, claimant_field, store

ON_ITS_WAY, STORED, TOLD = 1, 2, 4  # bits of a place's byte
PAGE = 2_000  # rows at a time
MOST_FILTER_READS = 20  # of some megabytes each
SHOWN = 20  # differences of each kind listed one by one
ACTOR = "reconcile"
Tell = Callable[[str, int], None]  # a noun for what is read, and how many so far


def no_progress(what: str, count: int) -> None:
    """The default of `tell`: report nothing."""


@dataclass(frozen=True, slots=True)
class Difference:
    kind: Gap
    place: int
    description: str


@dataclass(slots=True)
class Report:
    """The result of a scan. `differences` holds the first `SHOWN` of each kind."""

    slug: str
    admitted: int
    stored: int = 0
    on_its_way: int = 0
    found: Counter[Gap] = field(default_factory=Counter)
    mended: Counter[Gap] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def add(self, kind: Gap, place: int, description: str) -> None:
        self.found[kind] += 1
        if self.found[kind] <= SHOWN:
            self.differences.append(Difference(kind, place, description))

    @property
    def left(self) -> int:
        """Number of differences that were not repaired, holes included."""
        return self.found.total() - self.mended.total()


def scan_campaign(campaign: Campaign, *, repair: bool, tell: Tell) -> Report:
    """Scan a campaign; with `repair`, repair what is safe to repair. `tell` gets the progress.

    Raises NotInstalled, StoreAway, DatabaseAway.
    """
    return _Scan(campaign, repair, tell).run()


class _Scan:
    def __init__(self, campaign: Campaign, repair: bool, tell: Tell) -> None:
        self.campaign, self.repair, self.tell = campaign, repair, tell
        self.slug = campaign.slug
        self.given = store().campaigns.gate(self.slug).admitted
        self.filter = store().recovery.holder_bits(self.slug)  # of all who were given a place
        self.unfiltered, self.filter_reads = 0, 1
        self.seen = bytearray(self.given + 1)  # by place; 0 is none
        self.seen[0] = TOLD
        self.report = Report(self.slug, self.given)

    def run(self) -> Report:
        self._mark_waiting()
        self._mark_stored()
        compared = 0
        for page in store().recovery.scan_claimants(self.slug):
            self._compare_claimants(page)
            compared += len(page)
            self.tell("claimant", compared)
        self._rebuild_if_unfiltered()
        self._find_unknown_users()
        self._find_coupons_beyond()
        for place in self._places_with_bits(0):
            self.report.add(Gap.HOLE, place, "given, and held by nobody")
        if self.report.mended[Gap.NOT_STORED]:
            wakeups.notify_drain(self.slug)
        return self.report

    def _mark_waiting(self) -> None:
        for batch in chain(queue.waiting_batches(self.slug), queue.parked_batches(self.slug)):
            self._mark(ON_ITS_WAY, [claim.place for claim in batch.claims.values()])
        with availability.require_database():
            rows = GivenUp.objects.filter(campaign=self.campaign)
            self._mark(ON_ITS_WAY, list(rows.values_list("place", flat=True)))
        self.report.on_its_way = len(self.seen) - 1 - self.seen.count(0)

    def _mark_stored(self) -> None:
        for rows in _coupons(self.campaign, upto=self.given):
            self._mark(STORED, [row[0] for row in rows])
            self.report.stored += len(rows)
            self.tell("coupon", self.report.stored)

    def _mark(self, bit: int, places: Sequence[int]) -> None:
        for place in places:
            if place <= self.given:  # else: given during the scan, or not by us
                self.seen[place] |= bit

    def _compare_claimants(self, claimants: list[Claimant]) -> None:
        claimants = [one for one in claimants if 0 < one.place <= self.given]
        rows = self._rows([one.place for one in claimants if self.seen[one.place] & STORED])
        for claimant in claimants:
            if claimant.place in rows:
                self._compare(claimant, rows[claimant.place])
            elif not self.seen[claimant.place]:
                self._requeue_lost(claimant)
            if rows.get(claimant.place, claimant) == claimant:
                self._look_in_filter(claimant)
            self.seen[claimant.place] |= TOLD

    def _look_in_filter(self, claimant: Claimant) -> None:
        """Whom the filter lacks, processes that remember "sold out" would refuse."""
        blocks = self.campaign.filter_blocks
        is_known = holder_filter.may_hold(self.filter, claimant.field, blocks)
        if not is_known and self.filter_reads < MOST_FILTER_READS:  # was it honoured meanwhile?
            self.filter_reads += 1
            self.filter = store().recovery.holder_bits(self.slug)
            is_known = holder_filter.may_hold(self.filter, claimant.field, blocks)
        if not is_known:
            self.unfiltered += 1
            description = f"the filter of holders lacks {_describe(claimant)}"
            self.report.add(Gap.NOT_TOLD, claimant.place, description)

    def _rebuild_if_unfiltered(self) -> None:
        """By a new epoch, since processes keep a filter as long as the claimants are the same."""
        if self.unfiltered and self.repair:
            rebuild.rebuild_campaign(self.slug, actor=ACTOR)
            self.report.mended[Gap.NOT_TOLD] += self.unfiltered

    def _compare(self, claimant: Claimant, stored: Claimant) -> None:
        if claimant != stored:
            description = f"Redis says {_describe(claimant)}, MySQL {_describe(stored)}"
            self.report.add(Gap.DIFFERENT, claimant.place, description)

    def _requeue_lost(self, claimant: Claimant) -> None:
        self.report.add(Gap.NOT_STORED, claimant.place, f"told to {_describe(claimant)}")
        claim = self._claim_of(claimant) if self.repair else None
        if claim and store().recovery.requeue_claim(self.slug, claimant, claim):
            self.report.mended[Gap.NOT_STORED] += 1

    def _claim_of(self, claimant: Claimant) -> AdmittedClaim | None:
        """None for a claimant that admission can't have written: it has no valid user."""
        try:
            user, nth = claimant_field.decode_field(claimant.field, self.campaign.per_user)
        except ValueError:
            return None
        claim = AdmittedClaim(user, nth, claimant.place, claimant.admitted_ms, PUT_BACK)
        return claim if queue.is_valid(claim) else None

    def _find_unknown_users(self) -> None:
        for place in self._places_with_bits(ON_ITS_WAY):
            self.report.add(Gap.NOT_TOLD, place, "on its way; only a rebuild makes it known")
        stored = chain(self._places_with_bits(STORED), self._places_with_bits(STORED | ON_ITS_WAY))
        for places in _paged(list(stored)):
            self._make_known(list(self._rows(places).values()))

    def _make_known(self, rows: list[Claimant]) -> None:
        known_places = store().recovery.places_of(self.slug, [row.field for row in rows])
        lost = [row for row, known in zip(rows, known_places, strict=True) if known is None]
        for row, known in zip(rows, known_places, strict=True):
            if known is not None:
                self._compare(Claimant(row.field, *known), row)
        for row in lost:
            self.report.add(Gap.NOT_TOLD, row.place, f"stored for {_describe(row)}")
        if self.repair:
            blocks = self.campaign.filter_blocks
            store().recovery.write_claimants(self.slug, lost, filter_blocks=blocks, replace=False)
            self.report.mended[Gap.NOT_TOLD] += len(lost)

    def _find_coupons_beyond(self) -> None:
        """Coupons on places that Redis has not given: it lost its most recent writes. The places
        given are read after the coupons, so that new admissions don't count."""
        beyond = list(_coupons(self.campaign, above=self.given))
        given = store().campaigns.gate(self.slug).admitted  # read after the coupons
        count = 0
        for row in chain.from_iterable(beyond):
            if row[0] > given:
                count += 1
                places = counted_noun(given, "place")
                self.report.add(Gap.NOT_TOLD, row[0], f"stored; Redis has given {places}")
        if count and self.repair:
            rebuild.renew_campaign(self.slug, actor=ACTOR)
            self.report.mended[Gap.NOT_TOLD] += count

    def _places_with_bits(self, bits: int) -> Iterator[int]:
        """Places found in exactly these sources (a combination of the bits)."""
        place = self.seen.find(bits)
        while place >= 0:
            yield place
            place = self.seen.find(bits, place + 1)

    def _rows(self, places: Sequence[int]) -> dict[int, Claimant]:
        """The coupons on these places, as the claimants that Redis should have, by place."""
        claimants = {}
        for page in _paged(places):
            with availability.require_database():
                rows = Coupon.objects.filter(
                    slot_id__in=[slot_id(self.campaign.pk, place) for place in page]
                ).values_list("place", "user", "nth", "admitted_at")
                for place, user, nth, at in rows:
                    encoded = claimant_field.encode_field(user, nth, self.campaign.per_user)
                    claimants[place] = Claimant(encoded, place, timestamps.milliseconds_of(at))
        return claimants


def _coupons(campaign: Campaign, *, above: int = 0, upto: int = 0) -> Iterator[list[tuple[int]]]:
    """Pages of the places of coupons, in order; places in (above, upto], 0: no upper bound."""
    last = slot_id(campaign.pk, above)
    end = slot_id(campaign.pk, upto) if upto else slot_id(campaign.pk + 1, 0) - 1
    while True:
        with availability.require_database():
            coupons = Coupon.objects.filter(slot_id__gt=last, slot_id__lte=end).order_by("slot_id")
            rows = list(coupons.values_list("place")[:PAGE])
        if not rows:
            return
        yield rows
        last = slot_id(campaign.pk, rows[-1][0])


def _paged(places: Sequence[int]) -> Iterator[Sequence[int]]:
    return (places[start : start + PAGE] for start in range(0, len(places), PAGE))


def _describe(claimant: Claimant) -> str:
    user = claimant_field.unpack_user(claimant.field).decode(errors="replace")
    return f"{user!r} at {_moment(claimant.admitted_ms)}"


def _moment(ms: int) -> str:
    try:
        return timestamps.iso_of(ms)
    except (ValueError, OverflowError):  # outside the range of datetime
        return f"{ms} ms"
