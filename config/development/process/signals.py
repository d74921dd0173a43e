"""Signals that end the command (Ctrl-C and others) take effect between steps, never inside one.

A KeyboardInterrupt between starting a program and storing its handle would leave an orphan process;
a flag that is checked while we wait can't.
"""

import signal
import time
from types import FrameType

from config.development.process.errors import Stopped

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_POLL_S = 0.05

_received: list[str] = []


def note_signals() -> None:
    """From now on these signals set a flag instead of ending the process."""
    for number in SIGNALS:
        signal.signal(number, _record)


def _record(number: int, frame: FrameType | None) -> None:
    _received.append(signal.Signals(number).name)


def raise_if_stopped() -> None:
    """Raises Stopped if a signal has come."""
    if _received:
        raise Stopped(_received[0])


def interruptible_sleep(seconds: float) -> None:
    """Sleep. Raises Stopped within _POLL_S of a signal."""
    end = time.monotonic() + seconds
    while True:
        raise_if_stopped()
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, _POLL_S))
