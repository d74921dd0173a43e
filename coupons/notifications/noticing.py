"""Notice what operators are told of: lines of the histories, parked claims, a silent beat.

Nothing calls this when it happens: a task looks, so that neither claim nor drain waits for a
notification. The name of an event makes it unique: it is told once, however often it is noticed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q

from coupons.campaigns.fault_isolation import successful_answers
from coupons.campaigns.lifecycle import State
from coupons.database import availability, clock
from coupons.errors import StoreFailure
from coupons.models import (
    ApprovalRequest,
    Campaign,
    CampaignEvent,
    EventKind,
    Notification,
    NotificationChannel,
    NotificationKind,
    Rehearsal,
    RequestState,
)
from coupons.notifications import beat_watch
from coupons.observability.metrics import Work
from coupons.store import store

LOOKED_BACK = timedelta(hours=1)  # older events are not told: nobody could do anything
PARKED_AGAIN = timedelta(hours=1)  # between two notifications of one campaign's parked claims
_KINDS = {
    EventKind.HELD: NotificationKind.HELD,
    EventKind.SOLD_OUT: NotificationKind.SOLD_OUT,
    EventKind.APPROVAL_ASKED: NotificationKind.APPROVAL_ASKED,
    EventKind.REHEARSED: NotificationKind.REHEARSAL_RED,
}

_TOLD = ("checks", "after_ms", "stock", "verb", "reason")  # of an event's data


@dataclass(frozen=True, slots=True)
class Noticed:
    """`event`: its name, unique for ever."""

    event: str
    kind: NotificationKind
    data: dict[str, Any]


def channels_in_use() -> list[NotificationChannel]:
    """Those for which somebody is named; empty: notifications are off."""
    mail = [NotificationChannel.MAIL] if settings.NOTIFY_EMAILS else []
    return mail + ([NotificationChannel.WEBHOOK] if settings.NOTIFY_WEBHOOK_URL else [])


def notice_events() -> int:
    """Write down what is to be told. Returns how many rows are new. Safe to run in parallel.
    Raises DatabaseAway; without Redis only the histories are looked at."""
    if not channels_in_use():
        return 0
    with availability.require_database():
        now = clock.read_now()
        noticed = [*_from_histories(now), *_parked(now), *_silent_beat()]
        return sum(add_notification(one, now) for one in noticed)


def add_notification(noticed: Noticed, now: datetime) -> int:
    """A row for each channel, unless there is one. Returns how many are new."""
    new = 0
    for channel in channels_in_use():
        _row, is_new = Notification.objects.get_or_create(
            event=noticed.event,
            channel=channel,
            defaults={"kind": noticed.kind, "data": noticed.data, "at": now, "due_at": now},
        )
        new += is_new
    return new


def _from_histories(now: datetime) -> Iterator[Noticed]:
    recent = CampaignEvent.objects.filter(at__gt=now - LOOKED_BACK)
    rows = recent.filter(kind__in=_KINDS).select_related("campaign")
    shadows = set(Rehearsal.objects.values_list("shadow", flat=True))
    for row in rows:
        data = row.data or {}
        is_green = row.kind == EventKind.REHEARSED and data.get("light") != "red"
        if is_green or row.campaign.slug in shadows or _is_decided(row):
            continue
        named = {name: data[name] for name in _TOLD if name in data}
        if row.kind == EventKind.APPROVAL_ASKED:
            named["who"] = row.actor
        kind = _KINDS[EventKind(row.kind)]
        yield Noticed(f"history:{row.pk}", kind, _of_campaign(row.campaign) | named)


def _is_decided(row: CampaignEvent) -> bool:
    """Whether it tells of a request that waits no more."""
    if row.kind != EventKind.APPROVAL_ASKED:
        return False
    waiting = ApprovalRequest.objects.filter(state=RequestState.OPEN)
    return not waiting.filter(pk=(row.data or {}).get("request", 0)).exists()


def _of_campaign(campaign: Campaign) -> dict[str, Any]:
    return {"campaign": campaign.slug, "campaign_id": campaign.pk, "name": campaign.name}


def _parked(now: datetime) -> Iterator[Noticed]:
    """Campaigns with parked claims of which nobody was told within the last hour."""
    queued = Q(strategy=Campaign.Strategy.QUEUED) & ~Q(state=State.DRAFT)
    campaigns = {row.slug: row for row in Campaign.objects.filter(queued)}
    try:
        gates = successful_answers(store().campaigns.gates(list(campaigns)), Work.STATE)
    except StoreFailure:
        return
    for slug, gate in gates.items():
        if gate is None or not gate.parked:
            continue
        campaign = campaigns[slug]
        told = Notification.objects.filter(
            kind=NotificationKind.PARKED,
            event__startswith=f"parked:{campaign.pk}:",
            at__gt=now - PARKED_AGAIN,
        )
        if not told.exists():
            event = f"parked:{campaign.pk}:{now:%Y%m%d%H%M}"
            data = _of_campaign(campaign) | {"count": gate.parked}
            yield Noticed(event, NotificationKind.PARKED, data)


def _silent_beat() -> Iterator[Noticed]:
    """Named by the minute of the last sweep: one outage, one event."""
    try:
        silent_s = beat_watch.silent_beat_s()
        now_ms = store().server.now_ms()
    except StoreFailure:
        return
    if silent_s is not None:
        swept_minute = (now_ms // 1000 - silent_s + 30) // 60
        earlier = {f"beat:{swept_minute + step}" for step in (-1, 0, 1)}
        known = Notification.objects.filter(event__in=earlier).first()
        event = known.event if known else f"beat:{swept_minute}"
        yield Noticed(event, NotificationKind.BEAT_DEAD, {"seconds": silent_s})
