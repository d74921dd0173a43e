"""How many have asked, second by second: a ring of the last RING_S seconds for each campaign.

One field of the hash for each second, so it never grows beyond RING_S fields, however long a sale
lasts; it expires RING_S after the last claim.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coupons.observability.hot_counters import LATENCY_WORDS
from coupons.store import keys
from coupons.store.campaigns import server_ms
from coupons.store.client import Script, SubjectCalls, time_ms
from coupons.store.replies import ByCampaign, parsing_reply, reply_each

COUNT = Script("count")
RING_S = 960  # 16 minutes: a chart of ten, and what beat has not kept yet
_BUCKETS = frozenset(LATENCY_WORDS)


@dataclass(frozen=True, slots=True)
class Counted:
    """What a process counted since it sent its counts last. `words`: outcomes, codes of failures
    and latency buckets (LATENCY_WORDS) → count."""

    asked: int
    refused: int
    words: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DemandSecond:
    """Claims that were counted within one second of Redis' clock; a process sends its own at most
    half a second late. `counts`: by outcome or code of a failure. `latency`: decisions by
    DEMAND_BUCKETS_MS; the last number is of those that took longer than every bound."""

    second_ms: int
    counts: dict[str, int]
    latency: tuple[int, ...]


class DemandCalls(SubjectCalls):
    def add_counts(self, counted: Mapping[str, Counted]) -> None:
        """Add to the counts of these campaigns, in one round trip. Not idempotent: after StoreAway
        it is not known whether they were added. Raises StoreAway; an error about one campaign's
        keys is ignored."""
        with self.guard_call():
            COUNT.each(self.client, [_call(slug, more) for slug, more in counted.items()])

    def read_seconds(self, slug: str) -> tuple[list[DemandSecond], int]:
        """All that the ring has, the oldest first, and Redis' time in ms. Raises StoreAway,
        StoreError."""
        with self.guard_call(), self.client.pipeline(transaction=True) as pipe:
            pipe.hgetall(keys.campaign_keys(slug).demand)
            pipe.time()
            fields, clock = pipe.execute()
        now_ms = time_ms(clock)
        with parsing_reply(f"demand of {slug}"):
            return parse_seconds(fields.values(), now_ms - 1000 * RING_S), now_ms

    def read_minutes(self, slug: str, first_ms: int, end_ms: int) -> list[DemandSecond]:
        """The seconds from `first_ms` to before `end_ms`. Raises StoreAway, StoreError."""
        slots = ring_slots(first_ms // 1000, end_ms // 1000)
        if not slots:
            return []
        with self.guard_call():
            fields: Any = self.client.hmget(keys.campaign_keys(slug).demand, slots)
        with parsing_reply(f"demand of {slug}"):
            seconds = parse_seconds(filter(None, fields), first_ms)
        return [second for second in seconds if second.second_ms < end_ms]

    def demanded_slugs(self, slugs: Sequence[str]) -> tuple[ByCampaign[bool], int]:
        """Whether each of these campaigns was asked for within RING_S, and Redis' time in ms."""
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            for slug in slugs:
                pipe.exists(keys.campaign_keys(slug).demand)
            pipe.time()
            *replies, clock = pipe.execute(raise_on_error=False)
        return reply_each(slugs, replies, bool), server_ms(clock)


def _call(slug: str, counted: Counted) -> tuple[Any, ...]:
    names = keys.campaign_keys(slug)
    words = [part for pair in counted.words.items() for part in pair]
    return (names.counts, names.demand), counted.asked, counted.refused, RING_S, *words


def ring_slots(first_s: int, end_s: int) -> list[str]:
    """The fields of the seconds from `first_s` to before `end_s`, at most one round."""
    return [str(second % RING_S) for second in range(first_s, min(end_s, first_s + RING_S))]


def parse_seconds(fields: Iterable[bytes], since_ms: int) -> list[DemandSecond]:
    """The seconds from `since_ms` on, the oldest first. Raises ValueError."""
    seconds = []
    for field in fields:
        second, *pairs = field.decode().split(" ")
        if 1000 * int(second) >= since_ms:
            words = {word: int(count) for word, count in (pair.split("=") for pair in pairs)}
            seconds.append(read_words(1000 * int(second), words))
    return sorted(seconds, key=lambda each: each.second_ms)


def read_words(second_ms: int, words: Mapping[str, int]) -> DemandSecond:
    """The second of these words, as they are in Redis and in MySQL."""
    counts = {word: count for word, count in words.items() if word not in _BUCKETS}
    return DemandSecond(second_ms, counts, tuple(words.get(word, 0) for word in LATENCY_WORDS))


def words_of(second: DemandSecond) -> dict[str, int]:
    """The inverse of `read_words`."""
    latency = zip(LATENCY_WORDS, second.latency, strict=True)
    return second.counts | {word: count for word, count in latency if count}
