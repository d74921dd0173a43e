"""A campaign's history as an operator may see it, and the whole of it as a file."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import translation

from coupons.admin import row_files
from coupons.admin.rights import HIDDEN, may_see_users
from coupons.audit import labels, trail
from coupons.models import Act, Campaign, CampaignEvent

COLUMNS = ("at", "actor", "kind", "text", "data")
_BATCH = 500  # rows in memory


def masked_event(event: CampaignEvent, request: HttpRequest) -> CampaignEvent:
    """The event without the id of a user that this operator may not see. Not to be saved."""
    if event.data and "user" in event.data and not may_see_users(request):
        event.data = {**event.data, "user": HIDDEN}
    return event


def history_file(campaign: Campaign, request: HttpRequest, form: str) -> StreamingHttpResponse:
    """Oldest first, as a stream; the download leaves a row in the audit log. `form`: of
    `row_files`."""
    trail.record_or_log(
        Act.EXPORTED,
        kind="campaign",
        id=campaign.slug,
        campaign=campaign,
        after={"part": "history", "format": form},
    )
    language = translation.get_language()  # the rows are made after the request
    rows = (_row(masked_event(event, request), language) for event in _all_events(campaign))
    return row_files.row_file(rows, COLUMNS, form, f"{campaign.slug}-history")


def _all_events(campaign: Campaign) -> Iterator[CampaignEvent]:
    """By batches: MySQL's driver holds a whole result in memory."""
    last = 0
    while batch := list(campaign.events.filter(pk__gt=last).order_by("pk")[:_BATCH]):
        yield from batch
        last = batch[-1].pk


def _row(event: CampaignEvent, language: str) -> dict[str, Any]:
    """By COLUMNS. `text`: in this language."""
    with translation.override(language):
        text = labels.event_text(event)
    return {
        "at": event.at.isoformat(), "actor": event.actor, "kind": event.kind, "text": text,
        "data": event.data or {},
    }  # fmt: skip
