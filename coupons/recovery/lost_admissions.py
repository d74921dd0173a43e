"""Admissions that processes published when Redis had lost its data, and neither store knows."""

import logging
from collections.abc import Iterator
from itertools import chain

import orjson

from coupons.claims.limits import slot_id
from coupons.claims.values import AdmittedClaim
from coupons.database import availability
from coupons.issuing import queue
from coupons.models import Campaign, Coupon, GivenUp
from coupons.store import Claimant, claimant_field, store

logger = logging.getLogger(__name__)


def find_lost(campaign: Campaign) -> list[AdmittedClaim]:
    """What processes answered and neither store knows. Raises StoreAway, DatabaseAway."""
    told = {claim.place: claim for claim in sorted(_published(campaign.slug), key=_moment)}
    for batch in chain(queue.waiting_batches(campaign.slug), queue.parked_batches(campaign.slug)):
        for claim in batch.claims.values():
            told.pop(claim.place, None)
    for start in range(0, len(places := list(told)), queue.PAGE):
        for place in _settled(campaign, places[start : start + queue.PAGE]):
            del told[place]
    return [claim for claim in told.values() if claim.place <= campaign.stock]


def requeue_lost(campaign: Campaign, lost: list[AdmittedClaim]) -> int:
    """Put them on the queue, and drop what was published; how many there were. Safe to repeat:
    what is stored by then is found stored."""
    put = 0
    for claim in lost:
        field = claimant_field.encode_field(claim.user, claim.nth, campaign.per_user)
        claimant = Claimant(field, claim.place, claim.admitted_ms)
        put += store().requeue_claim(campaign.slug, claimant, claim)
    store().drop_published(campaign.slug, store().publishing_processes(campaign.slug))
    return put


def _published(slug: str) -> Iterator[AdmittedClaim]:
    for process in store().publishing_processes(slug):
        said = store().published_admissions(slug, process) or b"[]"
        try:
            claims = [AdmittedClaim(*each) for each in orjson.loads(said)]
            yield from (claim for claim in claims if queue.is_valid(claim))
        except (ValueError, TypeError, AttributeError):
            logger.error(
                "what process %s published of %s can't be read and is left out", process, slug
            )


def _moment(claim: AdmittedClaim) -> int:
    """Of two who were told the same place, by two histories of Redis, the later one counts: those
    who came behind it were told so by the same history."""
    return claim.admitted_ms


def _settled(campaign: Campaign, places: list[int]) -> set[int]:
    """Those of these places about which MySQL has the last word."""
    with availability.require_database():
        slots = [slot_id(campaign.pk, place) for place in places]
        stored = Coupon.objects.filter(slot_id__in=slots).values_list("place", flat=True)
        given_up = GivenUp.objects.filter(campaign=campaign, place__in=places)
        return {*stored, *given_up.values_list("place", flat=True)}
