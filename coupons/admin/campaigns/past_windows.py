"""A draft whose window lies in the past: a warning at the field, and after it was saved."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _

from coupons.database import clock
from coupons.models import Campaign


def warn_of_past(request: HttpRequest, saved: Campaign) -> None:
    """Messages for the page after the save."""
    for text in _warnings(saved, clock.read_now()).values():
        messages.warning(request, text)


def mark_past_fields(form: Any, stored: Campaign) -> None:
    """The warning stands above the field's help."""
    for name, text in _warnings(stored, clock.read_now()).items():
        if name in form.fields:
            field = form.fields[name]
            mark = '<strong class="light light-amber past">{}</strong> {}'
            field.help_text = format_html(mark, text, field.help_text)


def _warnings(draft: Campaign, now: datetime) -> dict[str, str]:
    """By field; empty for what is no draft."""
    found: dict[str, str] = {}
    if draft.state != Campaign.State.DRAFT:
        return found
    if draft.opens_at <= now:
        found["opens_at"] = _("The opening is in the past.")
    if draft.closes_at <= now:
        found["closes_at"] = _("The end is in the past: no coupon could be claimed.")
    return found
