"""What a crowd measured: counts that can be added, kept as JSON, and are bounded in size."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_GROWTH = math.log(1.1)  # each latency bucket is a tenth wider than the one before
_MODULUS = 2**256
TOLD = frozenset({"admitted", "already_claimed"})
NO_ANSWER = "no_answer"


@dataclass(slots=True)
class Tally:
    """`outcomes`: answers by outcome or failure code. `latency`: answers by bucket. `seconds`:
    answers by second since the beginning. `told`: people who were told a place; `digest`: the sum
    of the hashes of what they were told. `lost`: people without an answer, after all retries.
    `details`: the site's own sentence for each failure code. `span_s`: from the first person's
    moment to the last answer, of each slice."""

    outcomes: Counter[str] = field(default_factory=Counter)
    latency: Counter[int] = field(default_factory=Counter)
    seconds: Counter[int] = field(default_factory=Counter)
    told: int = 0
    digest: int = 0
    lost: int = 0
    details: dict[str, str] = field(default_factory=dict)
    span_s: float = 0.0

    def add_answer(self, outcome: str, detail: str, *, latency_ms: float, second: int) -> None:
        self.outcomes[outcome] += 1
        self.seconds[second] += 1
        self.latency[math.ceil(math.log(max(latency_ms, 0.1)) / _GROWTH)] += 1
        if detail:
            self.details.setdefault(outcome, detail)

    def add_told(self, user: str, place: int, code: str) -> None:
        self.told += 1
        self.digest = (self.digest + coupon_hash(user, place, code)) % _MODULUS

    def add_tally(self, other: "Tally") -> None:
        for mine, more in (
            (self.outcomes, other.outcomes),
            (self.latency, other.latency),
            (self.seconds, other.seconds),
        ):
            mine.update(more)  # type: ignore[arg-type]
        self.told += other.told
        self.digest = (self.digest + other.digest) % _MODULUS
        self.lost += other.lost
        self.span_s += other.span_s
        self.details = other.details | self.details

    @property
    def asked(self) -> int:
        return sum(self.outcomes.values())

    @property
    def answered(self) -> int:
        return self.asked - self.outcomes[NO_ANSWER]

    @property
    def seconds_asked(self) -> int:
        return max(self.seconds, default=-1) + 1

    def percentile_ms(self, share: float) -> float:
        """The latency that this share of all answers kept to, within a tenth; 0: no answer."""
        left = share * sum(self.latency.values())
        for bucket in sorted(self.latency):
            left -= self.latency[bucket]
            if left <= 0:
                return float(round(math.exp(bucket * _GROWTH), 1))
        return 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "outcomes": dict(self.outcomes),
            "latency": {str(bucket): count for bucket, count in self.latency.items()},
            "seconds": {str(second): count for second, count in self.seconds.items()},
            "told": self.told,
            "digest": f"{self.digest:064x}",
            "lost": self.lost,
            "details": self.details,
            "span_s": self.span_s,
        }


def tally_of(document: dict[str, Any]) -> Tally:
    """The tally that `as_json` wrote; an empty one from an empty document."""
    return Tally(
        outcomes=Counter(document.get("outcomes", {})),
        latency=Counter({int(key): n for key, n in document.get("latency", {}).items()}),
        seconds=Counter({int(key): n for key, n in document.get("seconds", {}).items()}),
        told=document.get("told", 0),
        digest=int(document.get("digest", "0"), 16),
        lost=document.get("lost", 0),
        details=dict(document.get("details", {})),
        span_s=document.get("span_s", 0.0),
    )


def coupon_hash(user: str, place: int, code: str) -> int:
    text = f"{user}\n{place}\n{code}".encode()
    return int.from_bytes(hashlib.sha256(text).digest(), "big")


def digest_sum(hashes: Iterable[int]) -> int:
    """The sum of `coupon_hash` values, as in `Tally.digest`: the same for the same coupons in any
    order."""
    return sum(hashes) % _MODULUS
