"""The sweep that records the expiry of coupons. It changes no answer: an expired coupon reads as
expired without it. It gives their stock back, tells webhooks, and keeps lists by state true.

Within a campaign the end grows with the place, so a cursor over the places finds what is due, in
batches, each a transaction of its own. Coupons that had a step before are found by their state.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import takewhile

from django.db import connection, transaction
from django.db.models import Case, F, Q, When
from django.db.models.functions import Coalesce

from coupons.audit.actors import Actor
from coupons.claims import timestamps
from coupons.claims.limits import PLACES_PER_CAMPAIGN, slot_id
from coupons.database import availability, clock
from coupons.models import (
    ActorKind,
    Campaign,
    Coupon,
    CouponEvent,
    CouponLife,
    CouponState,
    ExpiryCursor,
    Returned,
)
from coupons.observability import life_metrics
from coupons.redemption import lifecycle
from coupons.redemption.terms import CampaignTerms, campaign_terms
from coupons.webhooks import outbox

BATCH = 500  # coupons per transaction
# One message for a batch: a merchant with a million coupons would otherwise get a million.
MESSAGE_TYPE = "campaign.coupons_expired"
CLOCK = Actor(ActorKind.CLOCK, "expiry")
Progress = Callable[[str, int], None]  # called with a slug and the coupons recorded of it so far
_OPEN = (CouponState.ISSUED, CouponState.HELD)


def expire_campaigns(
    *, until: Callable[[], bool] = lambda: False, tell: Progress | None = None
) -> int:
    """Record what is due, of all campaigns. Stops early once `until()` is true. Returns how many
    coupons were recorded. Raises DatabaseAway."""
    total = 0
    for campaign_id in _due_campaigns():
        recorded = 0
        for count in _expire_campaign(campaign_id):
            recorded += count
            if tell:
                tell(campaign_terms(campaign_id).slug, recorded)
            if until():
                return total + recorded
        total += recorded
    return total


def _due_campaigns() -> list[int]:
    """Campaigns whose first coupons may have expired."""
    with availability.require_database():
        now = Campaign.objects.annotate(now=clock.Now()).values_list("now", flat=True).first()
        if now is None:
            return []
        rows = Campaign.objects.exclude(state=Campaign.State.DRAFT).values_list(
            "pk", "valid_until", "valid_days", "opens_at"
        )
        return [
            pk
            for pk, until, days, opens in rows
            if (until or opens + timedelta(days=days or 0)) <= now
        ]


def _expire_campaign(campaign_id: int) -> Iterator[int]:
    """Yields the number of coupons recorded by each batch, 0 for one that only moved the cursor."""
    while (count := _expire_batch(campaign_id)) is not None:
        yield count
    for slot in _stepped_slots(campaign_id):
        yield int(lifecycle.expire_coupon(slot, actor=CLOCK).is_new)


def _expire_batch(campaign_id: int) -> int | None:
    """Record the next batch of coupons that had no step before; None: no more is due."""
    with availability.require_database(), transaction.atomic():
        ExpiryCursor.objects.get_or_create(campaign_id=campaign_id)
        cursor = ExpiryCursor.objects.select_for_update().get(campaign_id=campaign_id)
        due = _next_due(campaign_id, cursor.place)
        if not due:
            return None
        stepped = set(CouponLife.objects.filter(pk__in=due).values_list("pk", flat=True))
        terms = campaign_terms(campaign_id)
        _record([slot for slot in due if slot not in stepped], terms)
        cursor.place = due[-1] - slot_id(campaign_id, 0)
        cursor.save(update_fields=["place"])
    life_metrics.EXPIRED.inc(len(due) - len(stepped))
    return len(due) - len(stepped)


def _next_due(campaign_id: int, place: int) -> list[int]:
    """Lock the next batch after this place, and return the slots before the first that is not due.

    Without a condition on the end: to find out that nothing is due, the database would read and
    lock all that follow, at every sweep."""
    slots = Coupon.objects.filter(
        pk__gt=slot_id(campaign_id, place), pk__lt=slot_id(campaign_id + 1, 0)
    )
    next_ones = (
        slots.select_for_update()
        .annotate(is_due=Case(When(expires_at__lte=clock.Now(), then=True), default=False))
        .order_by("pk")
        .values_list("pk", "is_due")[:BATCH]
    )
    return [slot for slot, _ in takewhile(lambda row: row[1], list(next_ones))]


def _record(slots: list[int], terms: CampaignTerms) -> None:
    """Write life and event of coupons that this transaction has locked, and one message."""
    if not slots:
        return
    now = clock.read_now()
    at = timestamps.text_of(timestamps.milliseconds_of(now))
    marks = ",".join(map(str, slots))
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_LIVES.format(slots=marks), [at, terms.expiry_returns])
        cursor.execute(_INSERT_EVENTS.format(slots=marks), [at, CLOCK.kind.value, CLOCK.name])
    data = {
        "campaign": terms.slug,
        "places": _ranges([each % PLACES_PER_CAMPAIGN for each in slots]),
    }
    outbox.record_message(terms.merchant_id, MESSAGE_TYPE, data, now)
    if terms.expiry_returns:
        Returned.objects.get_or_create(campaign_id=terms.id)
        Returned.objects.filter(campaign_id=terms.id).update(returned=F("returned") + len(slots))


_COUPONS, _LIVES = Coupon._meta.db_table, CouponLife._meta.db_table
_EVENTS = CouponEvent._meta.db_table
# One statement for a batch: row by row, a million coupons would take three times as long.
# The slots are integers.
_INSERT_LIVES = (
    f"INSERT INTO {_LIVES} (slot_id, campaign_id, state, version, changed_at, is_returned)"  # noqa: S608
    f" SELECT slot_id, campaign_id, 'expired', 1, %s, %s FROM {_COUPONS}"
    " WHERE slot_id IN ({slots})"
)
_INSERT_EVENTS = (
    f"INSERT INTO {_EVENTS} (slot_id, version, at, verb, `before`, `after`,"  # noqa: S608
    " actor_kind, actor,"
    " reason, data)"
    " SELECT slot_id, 1, %s, 'expire', 'issued', 'expired', %s, %s, '', '{{}}'"
    f" FROM {_COUPONS} WHERE slot_id IN ({{slots}})"
)


def _ranges(places: list[int]) -> list[list[int]]:
    """Ascending places as ranges, both ends included: [1, 2, 3, 7] is [[1, 3], [7, 7]]."""
    ranges: list[list[int]] = []
    for place in places:
        if ranges and place == ranges[-1][1] + 1:
            ranges[-1][1] = place
        else:
            ranges.append([place, place])
    return ranges


def _stepped_slots(campaign_id: int) -> list[int]:
    """Coupons with an earlier step that are due, but not recorded: released, cancelled, held."""
    is_held = Q(state=CouponState.HELD, hold_until__gt=clock.Now())
    with availability.require_database():
        return list(
            CouponLife.objects.filter(campaign_id=campaign_id, state__in=_OPEN)
            .exclude(is_held)
            .annotate(end=Coalesce("end_override", "coupon__expires_at"))
            .filter(end__lte=clock.Now())
            .values_list("pk", flat=True)[:BATCH]
        )
