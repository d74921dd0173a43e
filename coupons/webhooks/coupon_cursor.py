"""`campaign.coupons_issued` and `campaign.sold_out`, told by a cursor over a campaign's places.

Storing a claim writes nothing for webhooks: what was stored since is read afterwards. Coupons are
stored in batches, so the next place may be missing for a moment; after GAP_S the cursor goes on and
remembers it, and tells of it when it is stored after all. No coupon is told twice.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from coupons.claims.timestamps import iso_text
from coupons.database import availability, clock
from coupons.models import Campaign, Coupon, EventKind, Tally, WebhookCursor
from coupons.webhooks import events, outbox

GAP_S = 60
MOST_PLACES = 10_000  # in one transaction
MOST_MISSING = 1_000  # places of parked claims that are remembered
MOMENT_S = 30  # so long a sell-out waits for its moment; then it is told without
_NO_MOMENT = {"sold_out_at": None, "ms_after_opening": None}


def follow_places() -> int:
    """Tell of all coupons stored since the last call. Returns how many campaigns had some. Two
    callers at a time take different campaigns. Raises DatabaseAway."""
    with availability.require_database():
        due = list(_campaigns_with_news())
    for campaign in due:
        with availability.require_database(), transaction.atomic():
            _follow(campaign)
    return len(due)


def _campaigns_with_news() -> Iterator[Campaign]:
    """Merchants' campaigns with coupons that were not told, or whose stock is given out."""
    cursor = WebhookCursor.objects.filter(campaign=OuterRef("pk"))
    rows = Campaign.objects.filter(merchant__isnull=False, tally__stored__gt=0).annotate(
        told=Coalesce(Subquery(cursor.values("told")[:1]), 0),
        told_stock=Coalesce(Subquery(cursor.values("sold_out_stock")[:1]), 0),
        open_stock=F("stock") - F("granted"),
    )
    is_sold_out = Q(tally__highest__gte=F("stock")) & ~Q(told_stock=F("open_stock"))
    return rows.filter(Q(tally__stored__gt=F("told")) | is_sold_out).iterator()


def _follow(campaign: Campaign) -> None:
    WebhookCursor.objects.get_or_create(campaign=campaign)
    cursor = (
        WebhookCursor.objects.select_for_update(skip_locked=True).filter(campaign=campaign).first()
    )
    if cursor is None:  # another process is at it
        return
    now = clock.read_now()
    found = [*_found_missing(cursor), *_next_places(cursor, now)]
    for first, last in _ranges(found):
        data = events.campaign_data(campaign.slug, **{"from": first, "to": last})
        outbox.record_message(campaign.merchant_id, events.COUPONS_ISSUED, data, now)
    cursor.told += len(found)
    _tell_sold_out(campaign, cursor, now)
    cursor.save()


def _found_missing(cursor: WebhookCursor) -> list[int]:
    """Places that the cursor has passed and that are stored by now."""
    if not cursor.missing:
        return []
    rows = Coupon.objects.filter(campaign_id=cursor.campaign_id, place__in=cursor.missing)
    found = sorted(rows.values_list("place", flat=True))
    cursor.missing = sorted(set(cursor.missing) - set(found))
    return found


def _next_places(cursor: WebhookCursor, now: datetime) -> list[int]:
    """The stored places behind the cursor, which is moved; up to a gap that is new."""
    rows = Coupon.objects.filter(campaign_id=cursor.campaign_id, place__gt=cursor.place)
    told = list[int]()
    for place in rows.order_by("place").values_list("place", flat=True)[:MOST_PLACES]:
        if place != cursor.place + 1 and not _may_pass_gap(cursor, place, now):
            return told
        told.append(place)
        cursor.place = place
    cursor.blocked_since = None
    return told


def _may_pass_gap(cursor: WebhookCursor, place: int, now: datetime) -> bool:
    """Whether the places before this one have been missing for GAP_S; then they are remembered."""
    cursor.blocked_since = cursor.blocked_since or now
    if now - cursor.blocked_since < timedelta(seconds=GAP_S):
        return False
    room = MOST_MISSING - len(cursor.missing)
    cursor.missing = [*cursor.missing, *range(cursor.place + 1, place)[:room]]
    return True


def _ranges(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(first, last) of each run of consecutive places."""
    first = None
    for index, place in enumerate(places):
        first = place if first is None else first
        if index + 1 == len(places) or places[index + 1] != place + 1:
            yield first, place
            first = None


def _tell_sold_out(campaign: Campaign, cursor: WebhookCursor, now: datetime) -> None:
    """Once for each stock that was open to everyone; places of grants don't count."""
    row = Campaign.objects.select_related("tally").get(pk=campaign.pk)
    tally: Tally = row.tally
    open_stock = row.stock - row.granted
    if tally.highest < row.stock or cursor.sold_out_stock == open_stock:
        return
    recorded = _recorded_moment(row, open_stock)
    if not recorded and _is_recent(row, tally.highest, now):
        return  # the sweep is about to record the moment
    cursor.sold_out_stock = open_stock
    data = events.campaign_data(campaign.slug, stock=open_stock, **recorded or _NO_MOMENT)
    outbox.record_message(campaign.merchant_id, events.SOLD_OUT, data, now)


def _recorded_moment(campaign: Campaign, open_stock: int) -> dict[str, object] | None:
    """When it sold out, from its history. None: the sweep has not recorded it for this stock."""
    if campaign.sold_out_stock != open_stock:
        return None
    event = campaign.events.filter(kind=EventKind.SOLD_OUT).first()
    if event is None:
        return None
    return {"sold_out_at": iso_text(event.at), "ms_after_opening": (event.data or {})["after_ms"]}


def _is_recent(campaign: Campaign, place: int, now: datetime) -> bool:
    since = now - timedelta(seconds=MOMENT_S)
    rows = Coupon.objects.filter(campaign_id=campaign.pk, place=place)
    return rows.filter(stored_at__gt=since).exists()
