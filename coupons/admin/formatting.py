"""Texts for operators: moments to the millisecond, numbers, refusals as sentences."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from coupons.campaigns import lifecycle
from coupons.claims import timestamps
from coupons.claims.timestamps import local_text, short_text
from coupons.errors import (
    BadInput,
    CouponError,
    DatabaseAway,
    OutcomeUnknown,
    StoreAway,
    StoreError,
)
from coupons.models import Campaign, CampaignEvent

_REASONS = ("reason", "why")  # fields of a form that asks for nothing else in words


def exact_time(at: datetime | None) -> str:
    """In the page's time zone, to the millisecond; None: empty."""
    return "" if at is None else local_text(at)


def exact_ms(ms: int) -> str:
    """The same for Unix milliseconds."""
    return exact_time(timestamps.moment_of(ms))


def window_text(campaign: Campaign) -> str:
    """From opening to closing; an equal day or zone is shown once."""
    opens, closes = exact_time(campaign.opens_at), exact_time(campaign.closes_at)
    (day, time, zone), (last_day, last_time, last_zone) = opens.split(), closes.split()
    start = f"{day} {time}" if zone == last_zone else opens
    end = f"{last_time} {last_zone}" if day == last_day else closes
    return f"{start} – {end}"


def short_window(campaign: Campaign) -> str:
    """As `window_text`, without seconds and milliseconds that are zero."""
    opens, closes = short_text(campaign.opens_at), short_text(campaign.closes_at)
    (day, time, zone), (last_day, last_time, last_zone) = opens.split(), closes.split()
    start = f"{day} {time}" if zone == last_zone else opens
    return f"{start} – {last_time} {last_zone}" if day == last_day else f"{start} – {closes}"


def grouped_number(count: int | None) -> str:
    """With grouped thousands; None (not known): a question mark."""
    return "?" if count is None else number_format(count, force_grouping=True)


def stock_sentence(slug: str, was: int, now: int) -> str:
    """The confirmation of a changed stock, wherever it was changed or undone. The same stock again:
    an interrupted change was finished."""
    if was == now:
        text = _("The stock of {slug} is {stock} now.")
        return text.format(slug=slug, stock=grouped_number(now))
    text = _("The stock of {slug}: {was} → {now}.")
    return text.format(slug=slug, was=grouped_number(was), now=grouped_number(now))


def refusal_text(refusal: CouponError | ValidationError) -> str:
    """Why a command was not done, as a sentence for the operator."""
    if isinstance(refusal, ValidationError):
        return " ".join(refusal.messages)
    if isinstance(refusal, StoreError):
        return _(
            "This was not done: what Redis holds of this campaign can't be read. See its board."
        )
    if isinstance(refusal, StoreAway | OutcomeUnknown):
        return _("Redis did not answer, so this was not done. Please do it again.")
    if isinstance(refusal, DatabaseAway):
        return _("The database did not answer, so this was not done. Please do it again.")
    if isinstance(refusal, BadInput) and refusal.field in _REASONS:
        return f"{capfirst(refusal.why)}."
    return str(refusal)


def actor_name(event: CampaignEvent) -> str:
    """The actor of an event: an operator's name, or the system."""
    return _("system") if event.actor == lifecycle.CLOCK else event.actor
