"""Notes on slots that are being made or removed, and the time limit of one request for it."""

import time

from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.translation import ngettext

from coupons.campaigns import slots
from coupons.campaigns.slots import Progress
from coupons.errors import Unfinished
from coupons.models import Campaign

REQUEST_S = 30  # half of a load balancer's timeout
State = Campaign.State


def stop_after_request_time(request: HttpRequest, slug: str) -> Progress:
    """A callback that raises Unfinished after REQUEST_S; repeating the request continues."""
    until = vars(request).setdefault("works_at_slots_until", time.monotonic() + REQUEST_S)

    def tell(now: int, wanted: int) -> None:
        if now != wanted and time.monotonic() > until:
            text = ngettext(
                "{slug} has {now} slot by now and is to have {wanted}. Do it again to go on.",
                "{slug} has {now} slots by now and is to have {wanted}. Do it again to go on.",
                now,
            )
            raise Unfinished(text.format(slug=slug, now=_number(now), wanted=_number(wanted)))

    return tell


def is_unfinished(campaign: Campaign) -> bool:
    """Whether the number of slots differs from the stock: a change is running or interrupted."""
    last = slots.highest_slot(campaign)
    if campaign.state == State.CLOSED:
        return False
    return last not in ((0, campaign.stock) if campaign.state == State.DRAFT else (campaign.stock,))


def progress_note(campaign: Campaign) -> str:
    """The note for the campaign's page; empty if no change of slots is unfinished."""
    if not is_unfinished(campaign):
        return ""
    now = slots.highest_slot(campaign)
    if campaign.state == State.DRAFT:
        text = ngettext(
            "{now} of {stock} slot: it is being scheduled, or that was interrupted; then schedule"
            " it again to go on.",
            "{now} of {stock} slots: it is being scheduled, or that was interrupted; then schedule"
            " it again to go on.",
            campaign.stock,
        )
    else:
        text = ngettext(
            "{now} slot for a stock of {stock}: the stock is being changed, or that was"
            " interrupted; then save it again to finish.",
            "{now} slots for a stock of {stock}: the stock is being changed, or that was"
            " interrupted; then save it again to finish.",
            now,
        )
    return text.format(now=_number(now), stock=_number(campaign.stock))


def _number(count: int) -> str:
    return number_format(count, force_grouping=True)
