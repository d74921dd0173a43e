"""Buffered notes of refused claims: a refusal costs one append; a thread hands the notes on.

As `hot_counters`: twice a second a thread of the process gives them to a sink (`hand_notes_to`,
`coupons.attempts.keeping`), which writes them to Redis. Each campaign has a buffer of its own, and
each is bounded: beyond MOST_NOTES the notes are dropped and counted, so that memory stays bounded
and one campaign's crowd costs another one no note. A killed process loses half a second of notes;
no guarantee depends on them.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from coupons.observability.request_id import current_request_id
from coupons.runtime import ProcessState

logger = logging.getLogger(__name__)

EVERY_S = 0.5
MOST_NOTES = 5_000  # of a campaign, waiting in a process: more than it refuses in half a second
MOST_SHED = 500  # of all campaigns


# A refusal: user, nth (0: not known), outcome, ms by the store that decided (0: no store was
# asked), ms of the last place, request id, moment by the monotonic clock. A plain tuple: it is made
# in the claim's own time.
Note = tuple[str, int, str, int, int | None, str, float]


class Shed(NamedTuple):
    """A claim that was refused unread, because the process was overloaded."""

    campaign: str  # a slug that may be made up
    authorization: str
    noted_s: float


class Notes(NamedTuple):
    """What one campaign's crowd was told since the last time. `lost`: notes without room."""

    notes: Sequence[Note]
    lost: int


class _Buffer:
    """Only for the process that made it, as the one of `hot_counters`."""

    __slots__ = ("_starting", "handing", "lost", "notes", "shed", "writer")

    def __init__(self) -> None:
        self.notes: dict[str, deque[Note]] = {}
        self.lost: Counter[str] = Counter()
        self.shed: deque[Shed] = deque()
        self.writer: threading.Thread | None = None
        self.handing, self._starting = threading.Lock(), threading.Lock()

    def start_writer(self) -> None:
        with self._starting:
            if self.writer is None:
                self.writer = threading.Thread(target=self._write, name="refusals", daemon=True)
                self.writer.start()

    def _write(self) -> None:
        """Until the process ends, or a test has started a fresh runtime."""
        while _buffer.current is self:
            time.sleep(EVERY_S)
            try:
                if _buffer.current is self:
                    _hand_on(self)
            except Exception:  # the thread must go on, or the buffers stay full
                logger.exception("the notes of refusals of the last half second are lost")


_buffer = ProcessState(_Buffer, anew_after_fork=True)


def note_refusal(
    campaign: str,
    user: str,
    nth: int,
    outcome: str,
    at_ms: int = 0,
    last_place_ms: int | None = None,
) -> None:
    """Note a refused claim by its outcome, or by the code of its failure. `campaign`: the slug of
    one that exists."""
    buffer = _buffer.current
    notes = buffer.notes.get(campaign)
    if notes is None:
        notes = buffer.notes.setdefault(campaign, deque())
    if len(notes) >= MOST_NOTES:
        buffer.lost[campaign] += 1
        return
    request, now_s = current_request_id(), time.monotonic()
    notes.append((user, nth, outcome, at_ms, last_place_ms, request, now_s))
    if buffer.writer is None:
        buffer.start_writer()


def note_shed(campaign: str, authorization: str) -> None:
    """Note a claim that was refused before its token was read. Beyond MOST_SHED they are not noted:
    the metrics count them."""
    buffer = _buffer.current
    if len(buffer.shed) < MOST_SHED:
        buffer.shed.append(Shed(campaign, authorization, time.monotonic()))
        if buffer.writer is None:
            buffer.start_writer()


def hand_on_notes() -> None:
    """Give the buffered notes to the sink. Not for a thread that serves a request."""
    _hand_on(_buffer.current)


Sink = Callable[[str, Notes], bool]  # False: nothing was written, keep the notes
ShedSink = Callable[[Sequence[Shed]], None]


def hand_notes_to(sink: Sink, shed_sink: ShedSink) -> None:
    """Set the hooks that get a campaign's notes, and the claims that were shed (which it may note
    again, with their user). They may wait for a store; what they raise is logged."""
    global _sink, _shed_sink
    _sink, _shed_sink = sink, shed_sink


def _no_sink(campaign: str, notes: Notes) -> bool:
    return True


def _no_shed_sink(shed: Sequence[Shed]) -> None:
    pass


_sink: Sink = _no_sink
_shed_sink: ShedSink = _no_shed_sink


def _hand_on(buffer: _Buffer) -> None:
    """Each campaign by itself: what fails for one is lost for that one."""
    with buffer.handing:
        if shed := [buffer.shed.popleft() for _ in range(len(buffer.shed))]:
            _shed_sink(shed)
        for campaign, waiting in list(buffer.notes.items()):
            notes = [waiting.popleft() for _ in range(len(waiting))]
            lost = buffer.lost.pop(campaign, 0)
            if (notes or lost) and not _hand_campaign(campaign, Notes(notes, lost)):
                room = max(0, MOST_NOTES - len(waiting))
                waiting.extendleft(reversed(notes[:room]))
                buffer.lost[campaign] += lost + len(notes[room:])


def _hand_campaign(campaign: str, notes: Notes) -> bool:
    try:
        return _sink(campaign, notes)
    except Exception:
        logger.exception("%s notes of refusals of %s are lost", len(notes.notes), campaign)
        return True
