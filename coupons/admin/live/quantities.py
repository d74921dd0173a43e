"""A sale's quantities in the operator's words."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.admin.formatting import grouped_number
from coupons.admin.live.seen import Seen


def age_text(age_ms: int | None) -> str:
    """How long ago; None: it never was."""
    return _("never") if age_ms is None else _("{seconds} s ago").format(seconds=age_ms // 1000)


def clock_text(ms: int) -> str:
    """A distance in time, of either sign: 00:10, 1:02:03, or days."""
    seconds = -(-abs(ms) // 1000)
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    if hours >= 48:
        return _("{days} days").format(days=hours // 24)
    start = f"{hours}:" if hours else ""
    return f"{start}{minutes:02}:{seconds:02}"


@dataclass(frozen=True, slots=True)
class RunningClock:
    """A distance within a sentence, which runs on the page as its large clock does. `text`: as it
    stands in the sentence; `in_ms`: until the moment that it runs to."""

    text: str
    in_ms: int


def running_clock(in_ms: int) -> RunningClock:
    return RunningClock(clock_text(in_ms), in_ms)


def rate_text(seen: Seen) -> str:
    text = ngettext("{rate} claim a second", "{rate} claims a second", seen.rate or 0)
    return text.format(rate=grouped_number(seen.rate))


def percent_text(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else f"{100 * share:.1f} %"
