"""All claims known of a campaign, page by page, for a rebuild of its claimants in Redis.

Sources, in this order: MySQL's coupons (they overwrite Redis' values), the queue, parked claims,
claims that were given up, and admissions that web processes published and neither store has. The
queue and the parked claims are read once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from coupons.claims import timestamps
from coupons.claims.limits import slot_id
from coupons.claims.values import AdmittedClaim
from coupons.database import availability
from coupons.issuing import queue
from coupons.models import Campaign, Coupon, GivenUp
from coupons.recovery import lost_admissions
from coupons.store import Claimant, claimant_field

PAGE = 10_000  # rows per query, whose claimants are written by one command


@dataclass(frozen=True, slots=True)
class Page:
    """Claimants from one source. `stored`: from MySQL's coupons."""

    claimants: list[Claimant]
    stored: bool = False


@dataclass(slots=True)
class KnownClaims:
    """Iterate `pages` to the end; then `lost` holds the admissions that neither store has.

    `above`: only places higher than this one. 0: all places, and only then the other sources than
    MySQL are read: a gate that kept its last place has kept those claims as well.
    """

    campaign: Campaign
    above: int = 0
    lost: list[AdmittedClaim] = field(default_factory=list)

    def pages(self) -> Iterator[Page]:
        if self.above:
            yield from self._stored()
            return
        published = lost_admissions.published_admissions(self.campaign.slug)
        yield from self._stored()
        for claims in self._not_stored():
            for claim in claims:
                published.pop(claim.place, None)
            yield self._page(self._possible(claims))
        yield self._page(self._given_up())
        unknown = lost_admissions.neither_stored_nor_given_up(self.campaign, published)
        self.lost = self._possible(unknown)
        yield self._page(self.lost)

    def _stored(self) -> Iterator[Page]:
        pk = self.campaign.pk
        last, end = slot_id(pk, self.above), slot_id(pk + 1, 0)
        while True:
            with availability.require_database():
                coupons = Coupon.objects.filter(slot_id__gt=last, slot_id__lt=end)
                ordered = coupons.order_by("slot_id")
                rows = list(ordered.values_list("user", "nth", "place", "admitted_at")[:PAGE])
            if not rows:
                return
            claims = [
                AdmittedClaim(user, nth, place, timestamps.milliseconds_of(at))
                for user, nth, place, at in rows
            ]
            yield self._page(claims, stored=True)
            last = slot_id(pk, rows[-1][2])

    def _not_stored(self) -> Iterator[list[AdmittedClaim]]:
        """Waiting and parked."""
        slug = self.campaign.slug
        for batch in chain(queue.waiting_batches(slug), queue.parked_batches(slug)):
            yield list(batch.claims.values())

    def _given_up(self) -> list[AdmittedClaim]:
        with availability.require_database():
            rows = GivenUp.objects.filter(campaign=self.campaign)
            fields = rows.values_list("user", "nth", "place", "admitted_ms")
            return [AdmittedClaim(*row) for row in fields]

    def _possible(self, claims: list[AdmittedClaim]) -> list[AdmittedClaim]:
        """Without places above the stock, which this campaign can't have given (another program
        wrote the entry): the drain parks those."""
        return [claim for claim in claims if claim.place <= self.campaign.stock]

    def _page(self, claims: list[AdmittedClaim], *, stored: bool = False) -> Page:
        return Page([self._claimant(claim) for claim in claims], stored)

    def _claimant(self, claim: AdmittedClaim) -> Claimant:
        name = claimant_field.encode_field(claim.user, claim.nth, self.campaign.per_user)
        return Claimant(name, claim.place, claim.admitted_ms)
