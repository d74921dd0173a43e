"""What this process told its users lately: a witness, should Redis lose its memory.

A claim on its way to MySQL is known to Redis and to the process that told it, to nobody else. So a
process keeps its last TOLD places, and when it finds a campaign gone from Redis it leaves them
there as its testimony. `rebuild` reads that of all processes: whom MySQL does not know yet is put
back on the queue, and numbers go on above.
"""

import logging
import secrets
import time
from collections import deque
from collections.abc import Iterator
from itertools import chain
from threading import Lock

import orjson

from coupons import claimant_field, database, queue, trace
from coupons.claims import AdmittedClaim, Claim
from coupons.errors import StoreFailure
from coupons.limits import slot_id
from coupons.models import Campaign, Coupon, GivenUp
from coupons.snapshot import Facts
from coupons.store import Claimant, store

TOLD = 10_000  # places: seconds of a rush at a process' best, while a claim waits for 0.1 s
_EVERY_S = 1.0

logger = logging.getLogger(__name__)

_told: deque[tuple[int, str, int, int, int, str]] = deque(maxlen=TOLD)
_me = secrets.token_hex(8)  # a child that is forked has told nothing by then
_speaking = Lock()
_spoke_s: dict[str, float] = {}


def saw(facts: Facts, claim: Claim, place: int, admitted_ms: int) -> None:
    """This place is being told now. On the way of every admission: 0.14 µs."""
    _told.append((facts.id, claim.user, claim.nth, place, admitted_ms, trace.current()))


def testify(facts: Facts) -> None:
    """Redis does not know the campaign any more: leave there what we told. Never raises, and does
    nothing where it was done already or another thread is doing it."""
    if not _speaking.acquire(blocking=False):
        return
    try:
        if time.monotonic() >= _spoke_s.get(facts.slug, 0.0):
            _spoke_s[facts.slug] = time.monotonic() + _EVERY_S
            _testify(facts)
    except StoreFailure:
        pass  # the next one who is refused tries again
    finally:
        _speaking.release()


def _testify(facts: Facts) -> None:
    if store().has_testified(facts.slug, _me):
        return
    told = [claim for campaign, *claim in _told.copy() if campaign == facts.id]
    if told:
        store().testify(facts.slug, _me, orjson.dumps(told))


def forget() -> None:
    """As a process that has just begun."""
    _told.clear()
    _spoke_s.clear()


def lost(campaign: Campaign) -> list[AdmittedClaim]:
    """What witnesses told and neither store knows. Raises StoreAway, DatabaseAway."""
    told = {claim.place: claim for claim in sorted(_testimony(campaign.slug), key=_moment)}
    for batch in chain(queue.waiting(campaign.slug), queue.parked(campaign.slug)):
        for claim in batch.claims.values():
            told.pop(claim.place, None)
    for start in range(0, len(places := list(told)), queue.PAGE):
        for place in _settled(campaign, places[start : start + queue.PAGE]):
            del told[place]
    return [claim for claim in told.values() if claim.place <= campaign.stock]


def put_back(campaign: Campaign, lost: list[AdmittedClaim]) -> int:
    """Put them on the queue, and be done with the testimony; how many there were. Safe to repeat:
    what is stored by then is found stored."""
    put = 0
    for claim in lost:
        field = claimant_field.encode_field(claim.user, claim.nth, campaign.per_user)
        claimant = Claimant(field, claim.place, claim.admitted_ms)
        put += store().requeue(campaign.slug, claimant, claim)
    store().forget_testimony(campaign.slug, store().witnesses(campaign.slug))
    return put


def _testimony(slug: str) -> Iterator[AdmittedClaim]:
    for witness in store().witnesses(slug):
        said = store().testimony(slug, witness) or b"[]"
        try:
            claims = [AdmittedClaim(*each) for each in orjson.loads(said)]
            yield from (claim for claim in claims if queue.sound(claim))
        except (ValueError, TypeError, AttributeError):
            logger.error("what %s told of %s can't be read and is left out", witness, slug)


def _moment(claim: AdmittedClaim) -> int:
    """Of two who were told the same place, by two histories of Redis, the later one counts: those
    who came behind it were told so by the same history."""
    return claim.admitted_ms


def _settled(campaign: Campaign, places: list[int]) -> set[int]:
    """Those of these places about which MySQL has the last word."""
    with database.answering():
        slots = [slot_id(campaign.pk, place) for place in places]
        stored = Coupon.objects.filter(slot_id__in=slots).values_list("place", flat=True)
        given_up = GivenUp.objects.filter(campaign=campaign, place__in=places)
        return {*stored, *given_up.values_list("place", flat=True)}
