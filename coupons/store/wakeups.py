"""The pending flag of each campaign's wake-up message (key `bell`), the pause after a failed drain,
and the time marks of beat's canary and sweep.

While the flag is set, a wake-up message is under way and no second one is sent.
"""

from collections.abc import Sequence

from coupons.store import keys
from coupons.store.client import StoreClient, time_ms
from coupons.store.replies import Each, parsing_reply, reply_each

BELL_MS = 1_000  # life of the pending flag: after it, another wake-up may be sent
LOST_BELL_MS = 250  # its life after the message is known to be lost
LONGEST_BELL_MS = 30_000  # its longest life, after a failed drain
_NO_KEY = -2  # PTTL's reply for a missing key: it has expired
_FAILED_MS = 10_000  # how long a failure stays readable after its pause


class WakeupCalls(StoreClient):
    """Setting and clearing pending flags, drain failures, and time marks."""

    def ring_each(self, slugs: Sequence[str]) -> list[str]:
        """Set the pending flags of many campaigns. Returns the slugs whose flag was not set before:
        these need a wake-up message.

        A flag without expiry, or with one beyond LONGEST_BELL_MS, was not set by us: it is set
        again, and its slug is returned as well.
        """
        asked = [keys.campaign_keys(slug).bell for slug in slugs]
        with self.asking(), self.client.pipeline(transaction=False) as pipe:
            for bell in asked:
                pipe.set(bell, 1, nx=True, px=BELL_MS)
                pipe.pttl(bell)
            left_ms = reply_each(slugs, pipe.execute(raise_on_error=False), _left_ms)
        stuck = {slug for slug, ms in left_ms.items() if ms < 0 or ms > LONGEST_BELL_MS}
        for slug in stuck:
            self.refresh_pending_wakeup(slug)
        return [slug for slug in slugs if left_ms.get(slug, 0) == 0 or slug in stuck]

    def wakeup_was_lost(self, slug: str) -> None:
        """The message could not be sent: shorten the flag's life, so that another is tried soon,
        but not for every claim."""
        with self.asking():
            self.client.pexpire(keys.campaign_keys(slug).bell, LOST_BELL_MS)

    def refresh_pending_wakeup(self, slug: str) -> None:
        """A drain is running: no other wake-up is needed."""
        with self.asking():
            self.client.set(keys.campaign_keys(slug).bell, 1, px=BELL_MS)

    def clear_pending_wakeup(self, slug: str) -> None:
        """The queue was read to its end: the next admission sends a wake-up again. Deletes the
        record of a failed drain as well."""
        names = keys.campaign_keys(slug)
        with self.asking():
            self.client.delete(names.bell, names.failed)

    def drain_failed(self, slug: str, why: str, *, pause_ms: int) -> None:
        """Record why a drain failed, and suppress wake-ups for this campaign for `pause_ms` (at
        most LONGEST_BELL_MS)."""
        names, pause_ms = keys.campaign_keys(slug), min(pause_ms, LONGEST_BELL_MS)
        with self.asking(), self.client.pipeline(transaction=False) as pipe:
            pipe.set(names.failed, why.encode(), px=pause_ms + _FAILED_MS)
            pipe.set(names.bell, 1, px=pause_ms)
            pipe.execute()

    def drain_failures(self, slugs: Sequence[str]) -> Each[str | None]:
        """Why the last drain of each campaign failed; None: it did not, or the record expired."""
        with self.asking(), self.client.pipeline(transaction=False) as pipe:
            for slug in slugs:
                pipe.get(keys.campaign_keys(slug).failed)
            return reply_each(slugs, pipe.execute(raise_on_error=False), _text)

    def canary_came(self) -> int:
        """Record that a worker handled beat's canary. Returns Redis' time then, in ms."""
        return self._mark(keys.CANARY)

    def canary_age_ms(self) -> int | None:
        """Milliseconds since beat's canary was last handled; None: never. Raises StoreError."""
        return self._age_ms(keys.CANARY)

    def swept(self) -> int:
        """Record that a worker finished a sweep of beat's. Returns Redis' time then, in ms."""
        return self._mark(keys.SWEPT)

    def sweep_age_ms(self) -> int | None:
        """Milliseconds since a sweep was last finished; None: never. Raises StoreError."""
        return self._age_ms(keys.SWEPT)

    def _mark(self, key: str) -> int:
        with self.asking():
            now_ms = time_ms(self.client.time())
            self.client.set(key, now_ms)
        return now_ms

    def _age_ms(self, key: str) -> int | None:
        with self.asking(), self.client.pipeline(transaction=False) as pipe:
            pipe.get(key)
            pipe.time()
            marked, now = pipe.execute()
        with parsing_reply(f"the time in {key}"):
            return None if marked is None else max(0, time_ms(now) - int(marked))


def _left_ms(rung: bool | None, left_ms: int) -> int:
    """Remaining life of a flag that was set before, ms; 0: it was not set, -1: no expiry."""
    return 0 if rung or left_ms == _NO_KEY else left_ms


def _text(said: bytes | None) -> str | None:
    return None if said is None else said.decode(errors="replace")
