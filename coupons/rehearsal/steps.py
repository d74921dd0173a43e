"""A rehearsal's steps. Each takes seconds and ends in the database, so that a worker can make one
step for each message, and a crash costs no more than the rehearsal.

    preparing   make the shadow campaign
    asking      let the next people of the crowd claim
    storing     wait until all that they were told is stored, then judge
    removing    remove every row and key of the shadow
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from coupons.audit import log
from coupons.database import availability, clock
from coupons.errors import CouponError, DependencyAway
from coupons.models import Campaign, EventKind, Rehearsal
from coupons.readiness import board
from coupons.readiness.rehearsed import site_digest
from coupons.readiness.result import Light, Line, red, worst_light
from coupons.rehearsal import shadow, tokens
from coupons.rehearsal.beside import YieldingRate
from coupons.rehearsal.crowd import Slice, play_slice
from coupons.rehearsal.figures import is_all_stored, read_stored
from coupons.rehearsal.lease import save_rehearsal
from coupons.rehearsal.tally import NO_ANSWER, Tally, tally_of
from coupons.rehearsal.verdict import RunFigures, texts_by_language, verdict_lines

LONGEST_STORING_S = 60.0
LONGEST_ASKING_S = 3600.0
_STORING_STEP_S, _LOOK_S = 5.0, 0.1
# Lines of the board that are about the campaign's own plan: the shadow has none.
_NOT_OF_SHADOWS = frozenset({"state", "warm_up", "certificate"})

State = Rehearsal.State
logger = logging.getLogger(__name__)


def run_step(rehearsal: Rehearsal) -> bool:
    """Make the next step; the caller holds the lease. Returns whether there is another one. Raises
    Overtaken; DependencyAway if a store is away when the shadow is to be removed."""
    save_rehearsal(rehearsal)
    if rehearsal.is_stopped and rehearsal.state != State.REMOVING:
        interrupt(rehearsal)
    _STEPS[rehearsal.state](rehearsal)
    return rehearsal.state != State.DONE


def interrupt(rehearsal: Rehearsal) -> None:
    """End it without a verdict; what it made is removed next."""
    log.record_event(rehearsal.campaign, rehearsal.actor, EventKind.REHEARSED)
    save_rehearsal(rehearsal, state=State.REMOVING)


def _prepare(rehearsal: Rehearsal) -> None:
    trouble = _trouble(rehearsal)
    if not trouble:
        try:
            shadow.make_shadow(
                rehearsal.campaign, rehearsal.shadow, stock=rehearsal.options["stock"],
                tell=_renewing(rehearsal),
            )  # fmt: skip
        except CouponError as error:
            logger.warning("the shadow campaign can't be made: %r", error)
            trouble = _("The campaign can't be made: {why}").format(why=error)
    state = State.STORING if trouble else State.ASKING
    save_rehearsal(rehearsal, state=state, figures={"trouble": trouble})


def _trouble(rehearsal: Rehearsal) -> str:
    if not rehearsal.options["urls"]:
        return _("No address of the site is known: set WARM_UP_URLS, or give --url.")
    if not tokens.can_sign():
        return _(
            "This host has no key that signs users' tokens: rehearse on a web host, or set"
            " JWT_SIGNING_KEY_FILE."
        )
    return ""


def _renewing(rehearsal: Rehearsal) -> Callable[[int, int], None]:
    """Slots take minutes for a large stock."""
    due_s = time.monotonic() + 10

    def tell(now: int, wanted: int) -> None:
        nonlocal due_s
        if time.monotonic() >= due_s:
            due_s = time.monotonic() + 10
            save_rehearsal(rehearsal)

    return tell


def _ask(rehearsal: Rehearsal) -> None:
    figures, options = dict(rehearsal.figures), rehearsal.options
    tally, began_s = tally_of(figures.get("tally", {})), time.monotonic()
    rate = YieldingRate(rehearsal.per_second)
    part = Slice(
        urls=tuple(options["urls"]), slug=rehearsal.shadow, first=tally.asked,
        count=rehearsal.people - tally.asked, second=tally.seconds_asked,
        segments=tuple(options["segments"]),
    )  # fmt: skip
    more = play_slice(part, rate)
    tally.add_tally(more)
    figures["tally"] = tally.as_json()
    figures["asked_s"] = figures.get("asked_s", 0.0) + time.monotonic() - began_s
    figures["yielded_s"] = figures.get("yielded_s", 0.0) + rate.yielded_s
    is_hopeless = 2 * more.outcomes[NO_ANSWER] > more.asked
    is_over = tally.asked >= rehearsal.people or figures["asked_s"] > LONGEST_ASKING_S
    state = State.STORING if is_over or is_hopeless else State.ASKING
    save_rehearsal(rehearsal, state=state, figures=figures)


def _store(rehearsal: Rehearsal) -> None:
    figures, row = dict(rehearsal.figures), _shadow_of(rehearsal)
    told, waited_s = figures.get("tally", {}).get("told", 0), figures.get("waited_s", 0.0)
    began_s, stored = time.monotonic(), row is None
    while not stored and time.monotonic() < began_s + _STORING_STEP_S:
        with suppress(DependencyAway):  # it may come back; else the board names it
            stored = row is not None and is_all_stored(row, told)
        time.sleep(0 if stored else _LOOK_S)
    waited_s += time.monotonic() - began_s
    figures |= {"waited_s": waited_s, "storing_s": waited_s if stored and row else None}
    if not stored and waited_s < LONGEST_STORING_S:
        save_rehearsal(rehearsal, figures=figures)
        return
    _judge(rehearsal, figures, row)


def _shadow_of(rehearsal: Rehearsal) -> Campaign | None:
    with availability.require_database():
        return Campaign.objects.filter(slug=rehearsal.shadow).first()


def _judge(rehearsal: Rehearsal, figures: dict[str, Any], row: Campaign | None) -> None:
    measured = figures_of(rehearsal, figures)
    stored = None if row is None else read_stored(row)
    figures["stored"] = stored.as_json() if stored else None
    figures["per_second"] = measured.answered_per_second
    measured = replace(measured, stored=stored)
    slug = rehearsal.campaign.slug if row is None else rehearsal.shadow
    lines = texts_by_language(lambda: verdict_lines(replace(measured, board=_board_lines(slug))))
    light = worst_light([Line(line["name"], Light(line["light"]), "") for line in lines])
    checks = [line["name"] for line in lines if line["light"] == Light.RED]
    log.record_event(
        rehearsal.campaign, rehearsal.actor, EventKind.REHEARSED,
        light=light, per_second=round(measured.answered_per_second), checks=checks,
    )  # fmt: skip
    save_rehearsal(
        rehearsal, state=State.REMOVING, figures=figures, lines=lines, light=light,
        site=site_digest(rehearsal.campaign),
    )  # fmt: skip


def figures_of(rehearsal: Rehearsal, figures: dict[str, Any]) -> RunFigures:
    return RunFigures(
        people=rehearsal.people,
        per_second=rehearsal.per_second,
        audience=rehearsal.campaign.audience,
        segments=tuple(rehearsal.options["segments"]),
        stock=rehearsal.options["stock"],
        tally=tally_of(figures.get("tally", {})) if figures else Tally(),
        yielded_s=figures.get("yielded_s", 0.0),
        storing_s=figures.get("storing_s"),
        trouble=figures.get("trouble", ""),
    )


def _board_lines(slug: str) -> list[Line]:
    try:
        lines = board.readiness_board(slug).lines
    except CouponError as error:
        return [red("mysql", str(error), _("Start it, or correct DATABASE_URL."))]
    return [line for line in lines if line.name not in _NOT_OF_SHADOWS]


def _remove(rehearsal: Rehearsal) -> None:
    shadow.remove_shadow(rehearsal.shadow)
    save_rehearsal(
        rehearsal, state=State.DONE, running=None, finished_at=clock.read_now()
    )  # fmt: skip


_STEPS: dict[str, Callable[[Rehearsal], None]] = {
    State.PREPARING: _prepare,
    State.ASKING: _ask,
    State.STORING: _store,
    State.REMOVING: _remove,
}
