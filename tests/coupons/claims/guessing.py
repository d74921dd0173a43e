"""`python -m tests.coupons.claims.guessing`: can a code be guessed, or told from others? Minutes.

Live coupons of one campaign; guesses by an attacker who knows how codes are written and some of the
live ones: at random, and one or two symbols beside a live one. Then many codes, of ten campaigns:
whether two are alike, and whether any symbol, at any position, or behind the same symbol of the
place before, comes more often than chance would have it.
"""

import json
import math
import random
import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from coupons.claims import campaign_keys, coupon_codes
from coupons.management.arguments import SentenceParser, Whole

_FREE = coupon_codes.LENGTH - 1  # symbols; the last one checks them
_BITS = 5 * _FREE
_CAMPAIGNS = 10
_MOST = 10**9
_TOGETHER = 100_000  # codes counted at once
_TO_DIGITS = str.maketrans(coupon_codes.ALPHABET, "0123456789abcdefghijklmnopqrstuv")


@dataclass(frozen=True, slots=True)
class Found:
    """What came of it. p values: how often chance alone would be as uneven, or more."""

    live: int
    guesses: int
    hits: int
    codes: int
    collisions: int
    p_of_symbols: float
    p_of_neighbours: float


def codes_of(campaign: int, count: int, key: bytes) -> list[str]:
    """Codes of so many places, of users numbered as a shop numbers them."""
    own = campaign_keys.campaign_key("k1", key, f"sale-{campaign}")
    return [
        coupon_codes.coupon_code(own, f"user-{place}", 1, place) for place in range(1, count + 1)
    ]


def code_number(code: str) -> int:
    """The number that a code encodes, without its check symbol."""
    return int(code[:_FREE].translate(_TO_DIGITS), 32)


def draw_guesses(count: int, known: list[int], chance: random.Random) -> Iterator[int]:
    """Alternately random numbers, and known codes with one or two symbols changed."""
    for _ in range(count // 2):
        yield chance.getrandbits(_BITS)
        beside = chance.choice(known)
        for _ in range(chance.randint(1, 2)):
            beside ^= chance.randint(1, 31) << 5 * chance.randrange(_FREE)
        yield beside


def count_hits(live: Iterable[int], known: list[int], count: int, chance: random.Random) -> int:
    """How many guesses are live codes that the guesser did not know."""
    unknown = set(live).difference(known)
    return sum(guess in unknown for guess in draw_guesses(count, known, chance))


class Census:
    """Counts each symbol at each position of the codes, and the codes that occur twice."""

    def __init__(self) -> None:
        self.count = 0
        self._symbols = [Counter[str]() for _ in range(coupon_codes.LENGTH)]
        self._pairs = Counter[str]()
        self._seen = [array("Q") for _ in range(1 << 11)]  # 64 bits each, by the other eleven

    def add_codes(self, some: list[str]) -> None:
        """Add codes of one campaign, in the order of their places."""
        self.count += len(some)
        joined = "".join(some)
        for position, counter in enumerate(self._symbols):
            at = joined[position :: coupon_codes.LENGTH]
            counter.update({symbol: at.count(symbol) for symbol in coupon_codes.ALPHABET})
        first = joined[:: coupon_codes.LENGTH]
        self._pairs.update(map(str.__add__, first, first[1:]))
        for code in some:
            value = code_number(code)
            self._seen[value >> 64].append(value & (1 << 64) - 1)

    def count_collisions(self) -> int:
        return sum(len(each) - len(set(each)) for each in self._seen)

    def p_of_symbols(self) -> float:
        squares = sum(_chi_squared(each, len(coupon_codes.ALPHABET)) for each in self._symbols)
        return p_value(squares, len(self._symbols) * (len(coupon_codes.ALPHABET) - 1))

    def p_of_neighbours(self) -> float:
        """p value: is a place's first symbol independent of the next place's?"""
        cells = len(coupon_codes.ALPHABET) ** 2
        return p_value(_chi_squared(self._pairs, cells), cells - 1)


def _chi_squared(counted: Counter[str], cells: int) -> float:
    """p value against a uniform distribution; cells that never occurred count as well."""
    expected = counted.total() / cells
    seen = sum((times - expected) ** 2 / expected for times in counted.values())
    return seen + (cells - len(counted)) * expected


def p_value(chi_squared: float, degrees: int) -> float:
    """By Wilson and Hilferty's approximation; good to three digits for so many degrees."""
    spread = 2 / (9 * degrees)
    z = ((chi_squared / degrees) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
    return math.erfc(z / math.sqrt(2)) / 2


def try_guesses(*, live: int, tries: int, count: int, seed: int) -> Found:
    chance = random.Random(seed)
    key, census = chance.randbytes(32), Census()
    issued = codes_of(0, live, key)
    values = list(map(code_number, issued))
    hit = count_hits(values, values[:: max(1, live // 100)], tries, chance)
    for campaign in range(_CAMPAIGNS):
        drawn = codes_of(campaign, count // _CAMPAIGNS, key)
        for first in range(0, len(drawn), _TOGETHER):
            census.add_codes(drawn[first : first + _TOGETHER])
    return Found(
        live, tries, hit, census.count, census.count_collisions(),
        round(census.p_of_symbols(), 4), round(census.p_of_neighbours(), 4),
    )  # fmt: skip


def parser() -> SentenceParser:
    whole = SentenceParser(prog="python -m tests.coupons.claims.guessing", description=__doc__)
    whole.add_argument("--live", type=Whole(1, _MOST), default=10**6, help="coupons")
    whole.add_argument("--guesses", type=Whole(1, _MOST), default=10**7)
    whole.add_argument("--codes", type=Whole(_CAMPAIGNS, _MOST), default=10**7)
    whole.add_argument("--seed", type=Whole(0, 2**32), default=1)
    return whole


def main() -> int:
    asked = parser().parse_args()
    found = try_guesses(live=asked.live, tries=asked.guesses, count=asked.codes, seed=asked.seed)
    print(json.dumps(asdict(found)))
    return int(found.hits + found.collisions > 0 or found.p_of_symbols < 1e-6)


if __name__ == "__main__":
    sys.exit(main())
