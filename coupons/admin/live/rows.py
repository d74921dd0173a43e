"""What MySQL says of a campaign that somebody watches."""

from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from coupons.admin.live.seen import Pause
from coupons.claims.values import Reason
from coupons.database import availability
from coupons.database.clock import NowMs
from coupons.models import Campaign, CampaignEvent, EventKind, GivenUp
from coupons.models.operations import UndoableVerb

_RESUMED = Q(kind__in=(EventKind.RESUMED, EventKind.RELEASED, EventKind.OVERRIDDEN)) | Q(
    kind=EventKind.UNDONE, data__verb=UndoableVerb.PAUSE.value
)


def read_row(pk: int) -> Campaign:
    """With `given_up_places`, `newest` (event), `resumed_at` and `now_ms`, in one statement. Raises
    Campaign.DoesNotExist, DatabaseAway."""
    given_up = (
        GivenUp.objects.filter(campaign=OuterRef("pk"), place__gt=0)
        .exclude(reason=Reason.PLACE_TAKEN)
        .order_by()
        .values("campaign")
        .annotate(count=Count("pk"))
        .values("count")
    )
    events = CampaignEvent.objects.filter(campaign=OuterRef("pk")).order_by("-pk")
    annotated: Any = Campaign.objects.select_related("tally").annotate(
        given_up_places=Coalesce(Subquery(given_up), 0),
        newest=Subquery(events.values("pk")[:1]),
        resumed_at=Subquery(events.filter(_RESUMED).values("at")[:1]),
        now_ms=NowMs(),
    )
    with availability.require_database():
        row: Campaign = annotated.get(Q(pk=pk))
        return row


def read_pause(row: Campaign) -> Pause | None:
    """None: it is held back. Raises DatabaseAway."""
    if row.held:
        return None
    with availability.require_database():
        event = row.events.filter(kind=EventKind.PAUSED).first()
    if event is None:
        return None
    return Pause(event.actor, event.at, str((event.data or {}).get("reason", "")))
