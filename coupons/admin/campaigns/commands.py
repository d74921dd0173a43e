"""What an operator can do to a campaign: each verb is one call to `coupons.campaigns.lifecycle`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from coupons.admin.campaigns import slot_progress
from coupons.admin.campaigns.confirmation import Questions, confirmed
from coupons.admin.campaigns.readiness_page import warn_if_red
from coupons.admin.formatting import sentence
from coupons.campaigns import lifecycle
from coupons.errors import CouponError, NeedsConfirmation
from coupons.models import Campaign

State = Campaign.State


@dataclass(frozen=True, slots=True)
class Verb:
    """`offered_in` says when a button is shown; whether it is allowed is decided elsewhere.

    `label` and `done` are in English, and translated where they are shown.
    """

    name: str
    label: str
    done: str
    call: Callable[..., Campaign]
    offered_in: frozenset[str]
    final: bool = False  # asks once more
    makes_slots: bool = False  # takes a while for a large stock
    asks: bool = False  # may raise NeedsConfirmation


VERBS = {
    verb.name: verb
    for verb in (
        Verb(
            "schedule",
            gettext_noop("Schedule"),
            gettext_noop("%(slug)s is scheduled now."),
            lifecycle.schedule,
            frozenset({State.DRAFT}),
            makes_slots=True,
            asks=True,
        ),
        Verb(
            "pause",
            gettext_noop("Pause"),
            gettext_noop("%(slug)s is paused now."),
            lifecycle.pause,
            frozenset({State.SCHEDULED, State.OPEN}),
        ),
        Verb(
            "resume",
            gettext_noop("Resume"),
            gettext_noop("%(slug)s is %(state)s now."),
            lifecycle.resume,
            frozenset({State.PAUSED}),
        ),
        # Behind "Pause", which then stays where it is when the opening takes this button away.
        Verb(
            "open",
            gettext_noop("Open now"),
            gettext_noop("%(slug)s is open now."),
            lifecycle.open_now,
            frozenset({State.SCHEDULED}),
        ),
        Verb(
            "close",
            gettext_noop("Close for good"),
            gettext_noop("%(slug)s is closed now."),
            lifecycle.close,
            lifecycle.LIVE,
            final=True,
        ),
    )
}


def offered(state: str, *, is_held: bool) -> list[Verb]:
    """A campaign that is held back is not resumed but overridden, with a reason."""
    kept = {"resume"} if is_held else set()
    return [v for v in VERBS.values() if state in v.offered_in and v.name not in kept]


def do(verb: Verb, slug: str, request: HttpRequest) -> Questions:
    """Do it in the operator's name and say what came of it. If there are questions, nothing was
    done: they are to be confirmed first."""
    try:
        campaign = verb.call(slug, **_options(verb, slug, request))
    except NeedsConfirmation as asked:
        return asked.questions
    except (CouponError, ValidationError) as refusal:
        messages.error(request, sentence(refusal))
    else:
        told = {"slug": campaign.slug, "state": campaign.get_state_display()}
        messages.success(request, _(verb.done) % told)
        if campaign.state == State.SCHEDULED:
            warn_if_red(campaign, request)
    return {}


def _options(verb: Verb, slug: str, request: HttpRequest) -> dict[str, Any]:
    options: dict[str, Any] = {"actor": request.user.get_username()}
    if verb.makes_slots:
        options["tell"] = slot_progress.within(request, slug)
    if verb.asks:
        options["confirmed"] = confirmed(request)
    return options
