"""The pending flag of each campaign's wake-up message (key `bell`), the pause after a failed drain,
and the time marks of beat's canary and sweep.

While the flag is set, a wake-up message is under way and no second one is sent.
"""

from collections.abc import Sequence

from coupons.store import keys
from coupons.store.client import SubjectCalls, time_ms
from coupons.store.replies import ByCampaign, parsing_reply, reply_each

WAKEUP_TTL_MS = 1_000  # life of the pending flag: after it, another wake-up may be sent
LOST_WAKEUP_TTL_MS = 250  # its life after the message is known to be lost
LONGEST_WAKEUP_TTL_MS = 30_000  # its longest life, after a failed drain
_NO_KEY = -2  # PTTL's reply for a missing key: it has expired
_FAILED_MS = 10_000  # how long a failure stays readable after its pause


class WakeupCalls(SubjectCalls):
    """Setting and clearing pending flags, drain failures, and time marks."""

    def set_pending(self, slugs: Sequence[str]) -> list[str]:
        """Set the pending flags of many campaigns. Returns the slugs whose flag was not set before:
        these need a wake-up message.

        A flag without expiry, or with one beyond LONGEST_WAKEUP_TTL_MS, was not set by us: it is
        set again, and its slug is returned as well.
        """
        flags = [keys.campaign_keys(slug).bell for slug in slugs]
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            for flag in flags:
                pipe.set(flag, 1, nx=True, px=WAKEUP_TTL_MS)
                pipe.pttl(flag)
            left_ms = reply_each(slugs, pipe.execute(raise_on_error=False), _left_ms)
        stuck = {slug for slug, ms in left_ms.items() if ms < 0 or ms > LONGEST_WAKEUP_TTL_MS}
        for slug in stuck:
            self.refresh_pending(slug)
        return [slug for slug in slugs if left_ms.get(slug, 0) == 0 or slug in stuck]

    def shorten_lost(self, slug: str) -> None:
        """The message could not be sent: shorten the flag's life, so that another is tried soon,
        but not for every claim."""
        with self.guard_call():
            self.client.pexpire(keys.campaign_keys(slug).bell, LOST_WAKEUP_TTL_MS)

    def refresh_pending(self, slug: str) -> None:
        """A drain is running: no other wake-up is needed."""
        with self.guard_call():
            self.client.set(keys.campaign_keys(slug).bell, 1, px=WAKEUP_TTL_MS)

    def clear_pending(self, slug: str) -> None:
        """The queue was read to its end: the next admission sends a wake-up again. Deletes the
        record of a failed drain as well."""
        names = keys.campaign_keys(slug)
        with self.guard_call():
            self.client.delete(names.bell, names.failed)

    def drain_failed(self, slug: str, reason: str, *, pause_ms: int) -> None:
        """Record why a drain failed, and suppress wake-ups for this campaign for `pause_ms` (at
        most LONGEST_WAKEUP_TTL_MS)."""
        names, pause_ms = keys.campaign_keys(slug), min(pause_ms, LONGEST_WAKEUP_TTL_MS)
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            pipe.set(names.failed, reason.encode(), px=pause_ms + _FAILED_MS)
            pipe.set(names.bell, 1, px=pause_ms)
            pipe.execute()

    def drain_failures(self, slugs: Sequence[str]) -> ByCampaign[str | None]:
        """Why the last drain of each campaign failed; None: it did not, or the record expired."""
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            for slug in slugs:
                pipe.get(keys.campaign_keys(slug).failed)
            return reply_each(slugs, pipe.execute(raise_on_error=False), _text)

    def mark_canary(self) -> int:
        """Record that a worker handled beat's canary. Returns Redis' time then, in ms."""
        return self._mark(keys.CANARY)

    def canary_age_ms(self) -> int | None:
        """Milliseconds since beat's canary was last handled; None: never. Raises StoreError."""
        return self._age_ms(keys.CANARY)

    def mark_sweep(self) -> int:
        """Record that a worker finished a sweep of beat's. Returns Redis' time then, in ms."""
        return self._mark(keys.SWEPT)

    def sweep_age_ms(self) -> int | None:
        """Milliseconds since a sweep was last finished; None: never. Raises StoreError."""
        return self._age_ms(keys.SWEPT)

    def _mark(self, key: str) -> int:
        with self.guard_call():
            now_ms = time_ms(self.client.time())
            self.client.set(key, now_ms)
        return now_ms

    def _age_ms(self, key: str) -> int | None:
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            pipe.get(key)
            pipe.time()
            marked_ms, now = pipe.execute()
        with parsing_reply(f"the time in {key}"):
            return None if marked_ms is None else max(0, time_ms(now) - int(marked_ms))


def _left_ms(was_set: bool | None, left_ms: int) -> int:
    """Remaining life of a flag that was set before, ms; 0: it was not set, -1: no expiry."""
    return 0 if was_set or left_ms == _NO_KEY else left_ms


def _text(reply: bytes | None) -> str | None:
    return None if reply is None else reply.decode(errors="replace")
