"""Monthly cost of the wanted environment, from the dated price table of the repository."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from provisioning.model import Want
from provisioning.prices import Prices, load_prices
from provisioning.resources.catalogue import BY_NAME


@dataclass(frozen=True)
class Line:
    item: str
    units: float
    monthly: float


@dataclass(frozen=True)
class Estimate:
    """US dollars a month, without traffic, requests, free tier, savings plans or tax.

    `source` and `as_of` say how reliable it is; show them wherever a sum is shown.
    """

    lines: tuple[Line, ...]
    as_of: str
    source: str
    region: str

    @property
    def monthly(self) -> float:
        return sum(line.monthly for line in self.lines)


def estimate_cost(wants: Iterable[Want]) -> Estimate:
    prices = load_prices()
    units: Counter[str] = Counter()
    for want in wants:
        for item, count in BY_NAME[want.kind].price_items(want).items():
            units[item] += count  # type: ignore[assignment]
    lines = tuple(
        Line(item, count, count * _monthly(prices, item)) for item, count in sorted(units.items())
    )
    return Estimate(lines=lines, as_of=prices.as_of, source=prices.source, region=prices.region)


def _monthly(prices: Prices, item: str) -> float:
    service, _, size = item.partition("/")
    if size:
        return prices.hourly[service][size] * prices.hours
    if item in prices.other:
        return prices.other[item] * prices.hours
    return prices.monthly[item]
