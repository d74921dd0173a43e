"""The commands of the admin on a campaign: each is one call to `coupons.campaigns.lifecycle`, and
its dry run is the same call (`coupons.operations.dry_runs`). What can't be undone is asked for
(`coupons.operations.approvals`), and done once another person approves."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from coupons.admin.campaigns import slot_progress
from coupons.admin.campaigns.confirmation import (
    REASON,
    SLUG,
    Questions,
    confirmed_questions,
    given_reason,
)
from coupons.admin.campaigns.readiness_page import warn_if_red
from coupons.admin.refusals import show_refusal
from coupons.campaigns import lifecycle
from coupons.errors import CouponError, NeedsConfirmation
from coupons.models import Campaign
from coupons.models.rights import Right
from coupons.operations import approvals
from coupons.operations.dry_runs import CAMPAIGN_VERBS

State = Campaign.State


@dataclass(frozen=True, slots=True)
class Command:
    """`offered_in`: the states in which its button is shown; `lifecycle` decides if it is allowed.

    `label` and `done` are in English, and translated when they are shown.
    """

    name: str
    label: str
    done: str
    right: Right
    offered_in: frozenset[str]
    final: bool = False  # the slug is typed, and another person approves
    makes_slots: bool = False  # takes a while for a large stock
    asks: bool = False  # may raise NeedsConfirmation
    needs_reason: bool = False
    at_once: bool = False  # without its page: it can be taken back by one click


VERBS = {
    verb.name: verb
    for verb in (
        Command(
            "schedule",
            gettext_noop("Schedule"),
            gettext_noop("%(slug)s is scheduled now."),
            Right.SCHEDULE,
            frozenset({State.DRAFT}),
            makes_slots=True,
            asks=True,
        ),
        Command(
            "pause",
            gettext_noop("Pause"),
            gettext_noop("%(slug)s is paused now."),
            Right.PAUSE,
            frozenset({State.SCHEDULED, State.OPEN}),
            needs_reason=True,
        ),
        Command(
            "resume",
            gettext_noop("Resume"),
            gettext_noop("%(slug)s is %(state)s now."),
            Right.PAUSE,
            frozenset({State.PAUSED}),
            at_once=True,
        ),
        # After "Pause", so that "Pause" does not move when the opening removes this button.
        Command(
            "open",
            gettext_noop("Open now"),
            gettext_noop("%(slug)s is open now."),
            Right.OPEN,
            frozenset({State.SCHEDULED}),
        ),
        Command(
            "close",
            gettext_noop("Close for good"),
            gettext_noop("To close %(slug)s waits for another person's approval now."),
            Right.ASK,
            lifecycle.LIVE,
            final=True,
            needs_reason=True,
        ),
    )
}


def offered_commands(state: str, *, is_held: bool) -> list[Command]:
    """Without "resume" if the campaign is held back: it needs an override, with a reason."""
    excluded = {"resume"} if is_held else set()
    return [v for v in VERBS.values() if state in v.offered_in and v.name not in excluded]


def run_command(verb: Command, slug: str, request: HttpRequest) -> Questions:
    """Run a command as the operator and show the result as a message. If it returns questions,
    nothing was done: the operator must confirm them first, or answer them."""
    unanswered = _unanswered(verb, slug, request)
    if unanswered:
        return unanswered
    try:
        campaign = _run(verb, slug, request)
    except NeedsConfirmation as unconfirmed:
        return unconfirmed.questions
    except (CouponError, ValidationError) as refusal:
        show_refusal(request, refusal)
    else:
        values = {"slug": campaign.slug, "state": campaign.get_state_display()}
        messages.success(request, _(verb.done) % values)
        if campaign.state == State.SCHEDULED and not verb.final:
            warn_if_red(campaign, request)
    return {}


def asked_by_page(verb: Command) -> Questions:
    """What the command's page asks before its button."""
    asked = {REASON: ""} if verb.needs_reason else {}
    return asked | ({SLUG: ""} if verb.final else {})


def _unanswered(verb: Command, slug: str, request: HttpRequest) -> Questions:
    """What must be typed or chosen first, all of it if anything is missing. A wrong slug is said
    so."""
    typed = request.POST.get("slug", "").strip()
    is_typed = not verb.final or typed == slug
    has_reason, fault = _read_reason(request) if verb.needs_reason else (True, "")
    if is_typed and has_reason:
        return {}
    questions = asked_by_page(verb) | ({REASON: fault} if verb.needs_reason else {})
    if typed and not is_typed:
        questions[SLUG] = _("This is not the slug of the campaign.")
    return questions


def _read_reason(request: HttpRequest) -> tuple[bool, str]:
    """Whether there is a reason, and what is wrong with what was typed; empty: nothing."""
    try:
        has_reason = bool(given_reason(request))
    except ValidationError as refusal:
        return False, " ".join(refusal.messages)
    is_missed = "reason" in request.POST and not has_reason
    return has_reason, _("Please type the reason.") if is_missed else ""


def _run(verb: Command, slug: str, request: HttpRequest) -> Campaign:
    actor = request.user.get_username()
    if verb.final:
        return approvals.ask_close(slug, actor=actor, reason=given_reason(request)).campaign
    return CAMPAIGN_VERBS[verb.name](slug, actor=actor, **_options(verb, slug, request))


def _options(verb: Command, slug: str, request: HttpRequest) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if verb.makes_slots:
        options["tell"] = slot_progress.stop_after_request_time(request, slug)
    if verb.asks:
        options["confirmed"] = confirmed_questions(request)
    if verb.needs_reason:
        options["reason"] = given_reason(request)
    return options
