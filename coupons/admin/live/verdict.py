"""Is it going well? One light and one sentence from what was seen: a pure function.

The worst finding is the verdict; the others are told below it.
"""

import re
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from coupons.admin.formatting import grouped_number
from coupons.admin.live.findings import Finding, find_troubles
from coupons.admin.live.quantities import RunningClock, rate_text, running_clock
from coupons.admin.live.seen import Checks, Seen
from coupons.audit.durations import duration_text
from coupons.models import Campaign
from coupons.readiness.result import Light

State = Campaign.State
_RANK = (Light.RED, Light.AMBER, Light.GREEN, Light.GREY)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`word`: the light in words; `also`: what else was found, the worst first. `topic`: other
    than before when it says something else, alike while its numbers alone change. `spoken`: as of a
    finding. `clock`: of its text."""

    light: Light
    word: str
    text: str
    also: tuple[Finding, ...] = ()
    topic: str = ""
    spoken: str = ""
    clock: RunningClock | None = None


def judge_sale(seen: Seen) -> Verdict:
    """The verdict on a sale, whatever its state."""
    troubles = sorted(find_troubles(seen), key=lambda one: _RANK.index(one.light))
    if troubles:
        worst, *others = troubles
        word = _("Act") if worst.light is Light.RED else _("Look")
        topic = re.sub(r"[\d:.,]+", "", worst.text)
        spoken = worst.spoken or worst.text
        return Verdict(worst.light, word, worst.text, tuple(others), topic, spoken, worst.clock)
    topic = "sold_out" if seen.state == State.OPEN and seen.sold_out else seen.state
    return replace(_all_well(seen), topic=str(topic), spoken=_well_spoken(seen))


def _well_spoken(seen: Seen) -> str:
    """The state alone: the word before it says how it stands."""
    is_sold_out = seen.state == State.OPEN and seen.sold_out
    return _("sold out") if is_sold_out else str(State(seen.state).label)


def _all_well(seen: Seen) -> Verdict:
    if seen.state == State.DRAFT:
        return Verdict(Light.GREY, _("Draft"), _("It will not open until it is scheduled."))
    if seen.state == State.SCHEDULED:
        return _ready(seen.checks, running_clock(seen.opens_in_ms))
    values = {
        "admitted": grouped_number(seen.admitted),
        "stock": grouped_number(seen.stock),
        "rate": rate_text(seen),
        "stored": _stored_text(seen),
    }
    if seen.state == State.CLOSED:
        text = _("issued {admitted} of {stock}, {stored}.")
        return Verdict(Light.GREY, _("Closed"), text.format(**values))
    if seen.sold_out and seen.sold_out_after_ms is not None:
        values["after"] = duration_text(seen.sold_out_after_ms)
        text = _("sold out {after} after the opening, {stored}; {rate}.")
    elif seen.sold_out:
        text = _("sold out, {admitted} of {stock}, {stored}; {rate}.")
    elif seen.rate is None:
        text = _("it begins; the rate is not known yet.")
    else:
        text = _("{rate}, {stored}.")
    return Verdict(Light.GREEN, _("Going well"), text.format(**values))


def _ready(checks: Checks | None, opens_in: RunningClock) -> Verdict:
    if checks is None:
        text = _("the checks are not known yet, opens in {time}.")
        shown = text.format(time=opens_in.text)
        return Verdict(Light.GREY, _("Scheduled"), shown, clock=opens_in)
    text = _("{green} of {total} checks green, opens in {time}.")
    shown = text.format(green=checks.green, total=checks.total, time=opens_in.text)
    return Verdict(Light.GREEN, _("Ready"), shown, clock=opens_in)


def _stored_text(seen: Seen) -> str:
    if seen.slowest_ms is None:
        return _("all stored") if not seen.waiting else _("being stored")
    seconds = f"{max(seen.slowest_ms, 100) / 1000:.1f}"
    return _("all stored within {seconds} s").format(seconds=seconds)
