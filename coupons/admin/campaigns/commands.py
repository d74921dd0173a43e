"""The commands of the admin on a campaign: each is one call to `coupons.campaigns.lifecycle`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from coupons.admin.campaigns import slot_progress
from coupons.admin.campaigns.confirmation import Questions, confirmed_questions
from coupons.admin.campaigns.readiness_page import warn_if_red
from coupons.admin.formatting import refusal_text
from coupons.campaigns import lifecycle
from coupons.errors import CouponError, NeedsConfirmation
from coupons.models import Campaign

State = Campaign.State


@dataclass(frozen=True, slots=True)
class Command:
    """`offered_in`: the states in which its button is shown; `lifecycle` decides if it is allowed.

    `label` and `done` are in English, and translated when they are shown.
    """

    name: str
    label: str
    done: str
    call: Callable[..., Campaign]
    offered_in: frozenset[str]
    final: bool = False  # needs a confirmation
    makes_slots: bool = False  # takes a while for a large stock
    asks: bool = False  # may raise NeedsConfirmation


VERBS = {
    verb.name: verb
    for verb in (
        Command(
            "schedule",
            gettext_noop("Schedule"),
            gettext_noop("%(slug)s is scheduled now."),
            lifecycle.schedule_campaign,
            frozenset({State.DRAFT}),
            makes_slots=True,
            asks=True,
        ),
        Command(
            "pause",
            gettext_noop("Pause"),
            gettext_noop("%(slug)s is paused now."),
            lifecycle.pause_campaign,
            frozenset({State.SCHEDULED, State.OPEN}),
        ),
        Command(
            "resume",
            gettext_noop("Resume"),
            gettext_noop("%(slug)s is %(state)s now."),
            lifecycle.resume_campaign,
            frozenset({State.PAUSED}),
        ),
        # After "Pause", so that "Pause" does not move when the opening removes this button.
        Command(
            "open",
            gettext_noop("Open now"),
            gettext_noop("%(slug)s is open now."),
            lifecycle.open_now,
            frozenset({State.SCHEDULED}),
        ),
        Command(
            "close",
            gettext_noop("Close for good"),
            gettext_noop("%(slug)s is closed now."),
            lifecycle.close_campaign,
            lifecycle.LIVE,
            final=True,
        ),
    )
}


def offered_commands(state: str, *, is_held: bool) -> list[Command]:
    """Without "resume" if the campaign is held back: it needs an override, with a reason."""
    excluded = {"resume"} if is_held else set()
    return [v for v in VERBS.values() if state in v.offered_in and v.name not in excluded]


def run_command(verb: Command, slug: str, request: HttpRequest) -> Questions:
    """Run a command as the operator and show the result as a message. If it returns questions,
    nothing was done: the operator must confirm them first."""
    try:
        campaign = verb.call(slug, **_options(verb, slug, request))
    except NeedsConfirmation as unconfirmed:
        return unconfirmed.questions
    except (CouponError, ValidationError) as refusal:
        messages.error(request, refusal_text(refusal))
    else:
        values = {"slug": campaign.slug, "state": campaign.get_state_display()}
        messages.success(request, _(verb.done) % values)
        if campaign.state == State.SCHEDULED:
            warn_if_red(campaign, request)
    return {}


def _options(verb: Command, slug: str, request: HttpRequest) -> dict[str, Any]:
    options: dict[str, Any] = {"actor": request.user.get_username()}
    if verb.makes_slots:
        options["tell"] = slot_progress.stop_after_request_time(request, slug)
    if verb.asks:
        options["confirmed"] = confirmed_questions(request)
    return options
