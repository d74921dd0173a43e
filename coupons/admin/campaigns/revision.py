"""Saving the form of a public campaign: its stock and its window.

What can't be undone, a lower stock and another window, is said before: the first attempt to save
asks, with the dry run's sentences. A higher stock is set at once: it can be undone.
"""

from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from coupons.admin.campaigns import slot_progress
from coupons.admin.campaigns.confirmation import confirmed_questions
from coupons.admin.campaigns.fieldsets import WINDOW
from coupons.admin.formatting import stock_sentence
from coupons.admin.rights import has_right
from coupons.campaigns import confirmations, lifecycle, slots
from coupons.campaigns.definition import Conditions
from coupons.errors import NeedsConfirmation
from coupons.models import Campaign
from coupons.models.rights import Right
from coupons.operations import dry_runs
from coupons.operations.forecast import Forecast, waitlist_after_raise

SAID = "all_changes_are_confirmed"  # attribute of a request


def revise_campaign(edited: Campaign, form: Any, request: HttpRequest) -> None:
    """One call for the fields that the operator changed, of the campaign that the form was compared
    with. Saving without a change completes an interrupted change of the stock. A changed stock is
    confirmed by a message; SAID: nothing else was changed."""
    changed, conditions = set(form.changed_data), Conditions(version=form.seen_version)
    stored = Campaign.objects.get(
        pk=edited.pk
    )  # the form truncates an unchanged moment to the millisecond
    opens_at = edited.opens_at if "opens_at" in changed else stored.opens_at
    closes_at = edited.closes_at if "closes_at" in changed else stored.closes_at
    moved = changed & set(WINDOW)
    actor, tell = (
        request.user.get_username(),
        slot_progress.stop_after_request_time(request, edited.slug),
    )
    lowered = edited.stock if "stock" in changed and edited.stock < stored.stock else None
    say_before(stored, request, stock=lowered, window=(opens_at, closes_at) if moved else None)
    if "stock" in changed and moved:
        lifecycle.revise_campaign(
            edited.slug,
            stock=edited.stock,
            opens_at=opens_at,
            closes_at=closes_at,
            actor=actor,
            confirmed=confirmed_questions(request),
            conditions=conditions,
            tell=tell,
        )
    elif "stock" in changed:
        lifecycle.change_stock(
            edited.slug, stock=edited.stock, actor=actor, conditions=conditions, tell=tell
        )
    elif moved:
        lifecycle.reschedule(
            edited.slug,
            opens_at=opens_at,
            closes_at=closes_at,
            actor=actor,
            confirmed=confirmed_questions(request),
            conditions=conditions,
        )
    elif has_right(request, Right.CHANGE_STOCK) and slots.count_slots(stored) != stored.stock:
        lifecycle.change_stock(edited.slug, stock=stored.stock, actor=actor, tell=tell)
        changed.add("stock")
    if "stock" in changed:
        messages.success(request, stock_sentence(edited.slug, stored.stock, edited.stock))
        vars(request)[SAID] = not moved
        if edited.stock > stored.stock:
            for sentence in waitlist_after_raise(dry_runs.waiting_users(stored)):
                messages.warning(request, sentence)


class EditQuestion(StrEnum):
    """Codes of the questions about an edit of a campaign that customers see."""

    STOCK = "stock_lowered"
    WINDOW = "window_moved"


def say_before(
    campaign: Campaign,
    request: HttpRequest,
    *,
    stock: int | None = None,
    window: tuple[datetime, datetime] | None = None,
) -> None:
    """Raises NeedsConfirmation with the dry run's sentences about a lower stock and a new window
    that this request does not confirm. What would be refused is left to the verb."""
    confirmed, forecasts = confirmed_questions(request), dict[EditQuestion, Forecast]()
    try_verb = partial(dry_runs.forecast_verb, actor=request.user.get_username())
    if window is not None:
        opens_at, closes_at = window
        forecasts[EditQuestion.WINDOW] = try_verb(
            "reschedule", campaign.slug, opens_at=opens_at, closes_at=closes_at
        )
    if stock is not None:
        forecasts[EditQuestion.STOCK] = try_verb("stock", campaign.slug, stock=stock)
    if any(forecast.refusal for forecast in forecasts.values()):
        return
    questions = {code.value: " ".join(forecasts[code].sentences) for code in forecasts}
    if window is not None:
        questions |= _questions_about_move(campaign, window, confirmed)
    unconfirmed = {code: text for code, text in questions.items() if code not in confirmed}
    if unconfirmed:
        raise NeedsConfirmation(unconfirmed)


def _questions_about_move(
    campaign: Campaign, window: tuple[datetime, datetime], confirmed: frozenset[str]
) -> dict[str, str]:
    """So that everything is asked at once."""
    try:
        confirmations.ask_about_move(campaign.slug, window, confirmed)
    except NeedsConfirmation as asked:
        return asked.questions
    return {}
