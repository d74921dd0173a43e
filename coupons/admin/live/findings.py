"""What can be wrong with a sale, by what was seen: pure functions. Every threshold stands here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from coupons.admin.formatting import exact_time, grouped_number
from coupons.admin.live.quantities import age_text, clock_text, percent_text, rate_text
from coupons.admin.live.seen import ABOVE_MS, Seen
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
    if it has such: a screen reader finds it on the page long after."""

    light: Light
    text: str
    spoken: str = ""


def find_troubles(seen: Seen) -> Iterator[Finding]:
    """Everything that is wrong with the sale, in no order of weight."""
    if not seen.redis_answers:
        yield _redis_away(seen)
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
    if seen.waiting and (seen.oldest_ms or 0) > STALLED_MS:
        text = _(
            "Storing stands still: waiting {count}, the oldest for {seconds} s. Restart the worker."
        )
        yield Finding(Light.RED, _with_waiting(text, seen), _("Storing stands still."))
    elif seen.waiting and (seen.oldest_ms or 0) > WAITS_AMBER_MS:
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
    if seen.state in (State.DRAFT, State.CLOSED):
        return
    canary_s, sweep_s = _seconds(seen.canary_ms), _seconds(seen.sweep_ms)
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
    since_ms = -seen.opens_in_ms
    if seen.state == State.PAUSED and seen.is_held:
        yield Finding(
            Light.RED,
            _("The opening is held back: see its board.")
            if seen.opens_in_ms <= 0
            else _("The opening is held back, and would be in {time}: see its board.").format(
                time=clock_text(seen.opens_in_ms)
            ),
            _("The opening is held back: see its board."),
        )
    elif seen.state == State.PAUSED and seen.opens_in_ms > 0:
        text = _("It is paused, and would open in {time}.")
        yield Finding(
            Light.AMBER,
            _with_pause(text.format(time=clock_text(seen.opens_in_ms)), seen),
            _("It is paused."),
        )
    elif seen.state == State.PAUSED:
        text = _("It is paused, and refuses {rate}.")
        yield Finding(
            Light.AMBER, _with_pause(text.format(rate=rate_text(seen)), seen), _("It is paused.")
        )
    elif (
        seen.state == State.OPEN
        and seen.asked_since_opening == 0
        and QUIET_AFTER_MS <= since_ms <= QUIET_UNTIL_MS
    ):
        text = _("No claim since the opening {time} ago. Do the event page and the front work?")
        yield Finding(
            Light.AMBER, text.format(time=clock_text(since_ms)), _("No claim since the opening.")
        )


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
    names = ", ".join(checks.red or checks.amber)
    values = {
        "green": checks.green, "total": checks.total, "names": names,
        "time": clock_text(seen.opens_in_ms),
    }  # fmt: skip
    if checks.red:
        text = _("{green} of {total} checks green, red: {names}. Opens in {time}.")
        if checks.will_hold:
            text = _(
                "{green} of {total} checks green, red: {names}. It will be held back in {time}."
            )
        yield Finding(
            Light.RED, text.format(**values), _("Checks are red: {names}.").format(names=names)
        )
    elif checks.amber:
        text = _("{green} of {total} checks green, look at: {names}. Opens in {time}.")
        yield Finding(
            Light.AMBER, text.format(**values), _("Look at: {names}.").format(names=names)
        )


_LOOKS: tuple[Callable[[Seen], Iterator[Finding]], ...] = (
    _storing, _background, _window, _crowd, _board,
)  # fmt: skip
