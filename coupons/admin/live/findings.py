"""What can be wrong with a sale, by what was seen: pure functions. Every threshold stands here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from coupons.admin.formatting import exact_time, grouped_number
from coupons.admin.live.quantities import (
    RunningClock,
    age_text,
    clock_text,
    percent_text,
    rate_text,
    running_clock,
)
from coupons.admin.live.seen import ABOVE_MS, Checks, Seen
from coupons.audit.labels import pause_reason
from coupons.models import Campaign
from coupons.readiness.result import Light
from coupons.readiness.workers import CANARY_AMBER_S, CANARY_RED_S, SWEEP_AMBER_S, SWEEP_RED_S

WAITS_AMBER_MS = 3_000  # the oldest waiting claim; the drain runs each second at least
STALLED_MS = 10_000  # beat's wake-ups of ten sweeps did not help
PARKED_RED = 100  # claims; each is a user who was told that they have a coupon
TURNED_AMBER, TURNED_RED = 0.02, 0.20  # shares of all requests of the last seconds
ERRORS_AMBER, ERRORS_RED = 0.001, 0.02
FEWEST = 20  # requests; of fewer a share says nothing
P99_AMBER_MS = 500
QUIET_AFTER_MS, QUIET_UNTIL_MS = 10_000, 600_000  # nobody asked, so long after the opening

State = Campaign.State


@dataclass(frozen=True, slots=True)
class Finding:
    """`text`: a sentence in the operator's language. `spoken`: the same without numbers that run,
    if it has such: a screen reader finds it on the page long after. `clock`: of its text."""

    light: Light
    text: str
    spoken: str = ""
    clock: RunningClock | None = None


def find_troubles(seen: Seen) -> Iterator[Finding]:
    """Everything that is wrong with the sale, in no order of weight."""
    if not seen.redis_answers:
        yield _redis_away(seen)
    if not seen.mysql_answers:
        yield _mysql_away(seen)
    if not seen.redis_answers:
        return  # nothing else is known
    if seen.is_lost or seen.is_damaged:
        yield _not_in_redis(seen)
    for look in _LOOKS:
        yield from look(seen)


def _redis_away(seen: Seen) -> Finding:
    text = _("Redis does not answer: claims get 503, and no figure is known. Start it.")
    if not seen.is_queued:
        text = _("Redis does not answer: demand is not known. This campaign issues without it.")
    return Finding(Light.RED if seen.is_queued else Light.AMBER, text)


def _mysql_away(seen: Seen) -> Finding:
    text = _("MySQL does not answer: what was admitted waits in Redis. Start it.")
    if not seen.is_queued:
        text = _("MySQL does not answer: claims of this campaign get 503. Start it.")
    elif seen.state == State.OPEN and seen.redis_answers and not seen.sold_out:
        text = _("MySQL does not answer: claims are admitted and wait in Redis. Start it.")
    return Finding(Light.RED, text)


def _not_in_redis(seen: Seen) -> Finding:
    text = _("Redis has lost this campaign: it is closed for repair. Run manage.py rebuild.")
    if seen.is_damaged:
        text = _("What Redis holds of this campaign can't be read. See its board.")
    return Finding(Light.RED, text)


def _storing(seen: Seen) -> Iterator[Finding]:
    if seen.missing > 0:
        text = _(
            "Claims that were told and are in no store: {count}. Run manage.py reconcile --repair."
        )
        yield Finding(
            Light.RED,
            text.format(count=grouped_number(seen.missing)),
            _("Claims that were told are in no store."),
        )
    behind_ms = seen.behind_ms if seen.waiting and seen.mysql_answers else 0
    if behind_ms > STALLED_MS:
        text = _(
            "Storing stands still: waiting {count}, the oldest for {seconds} s. Restart the worker."
        )
        yield Finding(Light.RED, _with_waiting(text, seen), _("Storing stands still."))
    elif behind_ms > WAITS_AMBER_MS:
        text = _("Storing is behind: waiting {count}, the oldest for {seconds} s.")
        yield Finding(Light.AMBER, _with_waiting(text, seen), _("Storing is behind."))
    if seen.parked:
        text = _("Parked claims: {count}. Their users were told, and have no coupon yet.")
        light = Light.RED if seen.parked >= PARKED_RED else Light.AMBER
        yield Finding(
            light, text.format(count=grouped_number(seen.parked)), _("Claims are parked.")
        )


def _with_waiting(text: str, seen: Seen) -> str:
    seconds = f"{(seen.oldest_ms or 0) / 1000:.0f}"
    return text.format(count=grouped_number(seen.waiting), seconds=seconds)


def _background(seen: Seen) -> Iterator[Finding]:
    """Beat and the workers, by what they leave in Redis. While the canary comes, a worker lives."""
    if seen.state in (State.DRAFT, State.CLOSED) or not seen.mysql_answers:
        return
    canary_s, sweep_s = _seconds(seen.canary_ms), _seconds(seen.sweep_ms)
    if seen.storable_ms is not None:  # no sweep ended while MySQL was away
        sweep_s = min(sweep_s, seen.storable_ms / 1000)
    if sweep_s > SWEEP_RED_S and canary_s > CANARY_AMBER_S:
        text = _("Beat or every worker is dead: the last sweep was {age}. Start them.")
        yield Finding(
            Light.RED, text.format(age=age_text(seen.sweep_ms)), _("Beat or every worker is dead.")
        )
    elif sweep_s > SWEEP_AMBER_S:
        text = _("Sweeps are late: the last one was {age}.")
        light = Light.RED if sweep_s > SWEEP_RED_S else Light.AMBER
        yield Finding(light, text.format(age=age_text(seen.sweep_ms)), _("Sweeps are late."))
    elif canary_s > CANARY_AMBER_S:
        text = _("The canary is late: a worker answered the last one {age}.")
        light = Light.RED if canary_s > CANARY_RED_S else Light.AMBER
        yield Finding(light, text.format(age=age_text(seen.canary_ms)), _("The canary is late."))


def _seconds(age_ms: int | None) -> float:
    return float("inf") if age_ms is None else age_ms / 1000


def _crowd(seen: Seen) -> Iterator[Finding]:
    recent, everything = seen.recent, seen.recent.everything
    if everything >= FEWEST:
        turned, errors = recent.turned_away / everything, recent.errors / everything
        if errors > ERRORS_AMBER:
            text = _("{share} of the requests end in an error. See the log of the web processes.")
            light = Light.RED if errors > ERRORS_RED else Light.AMBER
            yield Finding(
                light, text.format(share=percent_text(errors)), _("Requests end in errors.")
            )
        if turned > TURNED_AMBER:
            text = _("{share} of the requests are turned away: by a limit or because we are full.")
            light = Light.RED if turned > TURNED_RED else Light.AMBER
            yield Finding(
                light, text.format(share=percent_text(turned)), _("Requests are turned away.")
            )
        if (seen.p99_ms or 0) > P99_AMBER_MS:
            text = _("Answers are slow: one in a hundred takes more than {seconds} s.")
            slow = "1" if seen.p99_ms == ABOVE_MS else "0.5"
            yield Finding(Light.AMBER, text.format(seconds=slow), _("Answers are slow."))


def _window(seen: Seen) -> Iterator[Finding]:
    if seen.state == State.PAUSED and seen.is_held:
        yield Finding(
            Light.RED,
            _("The opening is held back: see its board.")
            if seen.opens_in_ms <= 0
            else _("The opening is held back, and would be in {time}: see its board.").format(
                time=clock_text(seen.opens_in_ms)
            ),
            _("The opening is held back: see its board."),
            _clock_ahead(seen),
        )
    elif seen.state == State.PAUSED and seen.opens_in_ms > 0:
        text = _("It is paused, and would open in {time}.")
        yield Finding(
            Light.AMBER,
            _with_pause(text.format(time=clock_text(seen.opens_in_ms)), seen),
            _("It is paused."),
            _clock_ahead(seen),
        )
    elif seen.state == State.PAUSED:
        text = _("It is paused, and refuses {rate}.")
        yield Finding(
            Light.AMBER, _with_pause(text.format(rate=rate_text(seen)), seen), _("It is paused.")
        )
    elif (
        seen.state == State.OPEN
        and seen.asked_since_opening == 0
        and QUIET_AFTER_MS <= seen.claimable_ms <= QUIET_UNTIL_MS
    ):
        yield _quiet(seen)


def _clock_ahead(seen: Seen) -> RunningClock | None:
    return running_clock(seen.opens_in_ms) if seen.opens_in_ms > 0 else None


def _quiet(seen: Seen) -> Finding:
    """Nobody asked since it could be claimed: the opening, or a later resume."""
    text = _("No claim since the opening {time} ago. Do the event page and the front work?")
    spoken = _("No claim since the opening.")
    if seen.was_resumed_late:
        text = _("No claim since it was resumed {time} ago. Do the event page and the front work?")
        spoken = _("No claim since it was resumed.")
    return Finding(Light.AMBER, text.format(time=clock_text(seen.claimable_ms)), spoken)


def _with_pause(text: str, seen: Seen) -> str:
    """With who paused it, when and why."""
    pause = seen.pause
    if pause is None:
        return text
    since = _("Since {at}, by {who}.")
    if pause.reason:
        since = _("Since {at}, by {who}: {reason}")
    values = {"at": exact_time(pause.at), "who": pause.by, "reason": pause_reason(pause.reason)}
    return f"{text} {since.format(**values)}"


def _board(seen: Seen) -> Iterator[Finding]:
    checks = seen.checks
    if checks is None or seen.opens_in_ms <= 0 or seen.state != State.SCHEDULED:
        return
    clock = running_clock(seen.opens_in_ms)
    if checks.red:
        text = _("{green} of {total} checks green, red: {names}. Opens in {time}.")
        if checks.will_hold:
            clock = running_clock(max(0, seen.opens_in_ms - checks.hold_before_ms))
            text = _(
                "{green} of {total} checks green, red: {names}. It will be held back in {time}."
            )
        spoken = _("Checks are red: {names}.")
        yield _of_board(Light.RED, text, spoken, checks, clock)
    elif checks.amber:
        text = _("{green} of {total} checks green, look at: {names}. Opens in {time}.")
        yield _of_board(Light.AMBER, text, _("Look at: {names}."), checks, clock)


def _of_board(light: Light, text: str, spoken: str, checks: Checks, clock: RunningClock) -> Finding:
    names = ", ".join(checks.red or checks.amber)
    shown = text.format(green=checks.green, total=checks.total, names=names, time=clock.text)
    return Finding(light, shown, spoken.format(names=names), clock)


_LOOKS: tuple[Callable[[Seen], Iterator[Finding]], ...] = (
    _storing, _background, _window, _crowd, _board,
)  # fmt: skip
