"""Admissions that web processes published after Redis had lost its data, and that neither store
has."""

import logging
from collections.abc import Iterator

import orjson

from coupons.claims.limits import slot_id
from coupons.claims.values import AdmittedClaim
from coupons.database import availability
from coupons.issuing import queue
from coupons.models import Campaign, Coupon, GivenUp
from coupons.store import Claimant, claimant_field, store

logger = logging.getLogger(__name__)


def published_admissions(slug: str) -> dict[int, AdmittedClaim]:
    """Place → published admission. Of two admissions to one place, from two histories of Redis, the
    later one counts: higher places are from the same history."""
    in_order = sorted(_published(slug), key=lambda claim: claim.admitted_ms)
    return {claim.place: claim for claim in in_order}


def neither_stored_nor_given_up(
    campaign: Campaign, published: dict[int, AdmittedClaim]
) -> list[AdmittedClaim]:
    """The published admissions that are not in MySQL. Raises DatabaseAway."""
    unknown = dict(published)
    for start in range(0, len(places := list(published)), queue.PAGE):
        for place in _settled(campaign, places[start : start + queue.PAGE]):
            del unknown[place]
    return list(unknown.values())


def requeue_lost(campaign: Campaign, lost: list[AdmittedClaim]) -> int:
    """Put claims on the queue, and delete what was published. Returns how many were put there. Safe
    to repeat: a claim that is stored by then is found stored."""
    requeued = 0
    for claim in lost:
        field = claimant_field.encode_field(claim.user, claim.nth, campaign.per_user)
        claimant = Claimant(field, claim.place, claim.admitted_ms)
        requeued += store().recovery.requeue_claim(campaign.slug, claimant, claim)
    store().recent_admissions.drop_published(
        campaign.slug, store().recent_admissions.publishing_processes(campaign.slug)
    )
    return requeued


def _published(slug: str) -> Iterator[AdmittedClaim]:
    for process in store().recent_admissions.publishing_processes(slug):
        reply = store().recent_admissions.published_admissions(slug, process) or b"[]"
        try:
            claims = [_claim(*fields) for fields in orjson.loads(reply)]
            yield from (claim for claim in claims if queue.is_valid(claim))
        except (ValueError, TypeError, AttributeError):
            logger.error(
                "admissions of %s published by process %s can't be read and are left out",
                slug,
                process,
            )


def _claim(
    user: str, nth: int, place: int, admitted_ms: int, request: str = "", mac: str = ""
) -> AdmittedClaim:
    return AdmittedClaim(user, nth, place, admitted_ms, request, bytes.fromhex(mac))


def _settled(campaign: Campaign, places: list[int]) -> set[int]:
    """The subset of places that MySQL has as a coupon or as given up."""
    with availability.require_database():
        slots = [slot_id(campaign.pk, place) for place in places]
        stored = Coupon.objects.filter(slot_id__in=slots).values_list("place", flat=True)
        given_up = GivenUp.objects.filter(campaign=campaign, place__in=places)
        return {*stored, *given_up.values_list("place", flat=True)}
