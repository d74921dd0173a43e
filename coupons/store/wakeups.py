"""The bell of each campaign (a drain is on its way), what keeps failing ones from ringing for ever,
and the canary."""

from collections.abc import Sequence

from coupons.store import keys
from coupons.store.client import StoreClient, time_ms
from coupons.store.replies import Each, parsing_reply, reply_each

BELL_MS = 1_000  # a bell not answered for so long may ring again
LOST_BELL_MS = 250  # and one that is known to be lost, for so long
LONGEST_BELL_MS = 30_000  # none is set for longer
_NO_KEY = -2  # as PTTL says it: it expired since
_FAILED_MS = 10_000  # beyond the next try: so long a failure is shown if nobody tries


class WakeupCalls(StoreClient):
    """Ringing, and what came of it."""

    def ring_each(self, slugs: Sequence[str]) -> list[str]:
        """Say that a drain is on its way to each of these; those of which that was not said before.

        A bell that would never expire, or not for long, is none of ours and is set again.
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
        """The bell reached nobody: it may ring again soon, but not for every claim."""
        with self.asking():
            self.client.pexpire(keys.campaign_keys(slug).bell, LOST_BELL_MS)

    def refresh_pending_wakeup(self, slug: str) -> None:
        """A drain is at work: nobody else needs to ring."""
        with self.asking():
            self.client.set(keys.campaign_keys(slug).bell, 1, px=BELL_MS)

    def clear_pending_wakeup(self, slug: str) -> None:
        """The queue was read to its end. From here on the next admission rings again."""
        names = keys.campaign_keys(slug)
        with self.asking():
            self.client.delete(names.bell, names.failed)

    def drain_failed(self, slug: str, why: str, *, pause_ms: int) -> None:
        """Keep why, and let nobody ring for this campaign for so long."""
        names, pause_ms = keys.campaign_keys(slug), min(pause_ms, LONGEST_BELL_MS)
        with self.asking(), self.client.pipeline(transaction=False) as pipe:
            pipe.set(names.failed, why.encode(), px=pause_ms + _FAILED_MS)
            pipe.set(names.bell, 1, px=pause_ms)
            pipe.execute()

    def drain_failures(self, slugs: Sequence[str]) -> Each[str | None]:
        """Why the last drain of each failed; None: it did not, or that is long ago."""
        with self.asking(), self.client.pipeline(transaction=False) as pipe:
            for slug in slugs:
                pipe.get(keys.campaign_keys(slug).failed)
            return reply_each(slugs, pipe.execute(raise_on_error=False), _text)

    def canary_came(self) -> int:
        """A worker heard beat's canary and got here with it; when, by Redis' clock, in ms."""
        return self._mark(keys.CANARY)

    def canary_age_ms(self) -> int | None:
        """Since beat's canary last came; None: never. Raises StoreError."""
        return self._age_ms(keys.CANARY)

    def swept(self) -> int:
        """A worker finished a sweep, which beat had asked for; when, as above."""
        return self._mark(keys.SWEPT)

    def sweep_age_ms(self) -> int | None:
        """Since a sweep was last finished; None: never. Raises StoreError."""
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
    """Of a bell that was there before; 0: it was not, -1: it never expires."""
    return 0 if rung or left_ms == _NO_KEY else left_ms


def _text(said: bytes | None) -> str | None:
    return None if said is None else said.decode(errors="replace")
