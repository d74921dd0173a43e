"""What a rehearsal measures of the stores: how much of what people were told is stored."""

from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import F, Min

from coupons.database import availability
from coupons.errors import StoreFailure
from coupons.models import Campaign, Coupon, Tally
from coupons.rehearsal.tally import coupon_hash, digest_sum
from coupons.store import store

_PAGE = 5_000  # rows


@dataclass(frozen=True, slots=True)
class Stored:
    """`rows`: coupons in the database; `digest`: the sum of their hashes (`tally.digest_sum`).
    `admitted`, `waiting`, `parked`: of the gate in Redis; -1: Redis did not answer.
    `least_age_s`: from a coupon's admission until it was stored, seconds; negative: the clocks
    differ."""

    rows: int = 0
    digest: str = ""
    admitted: int = -1
    waiting: int = -1
    parked: int = -1
    least_age_s: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def is_all_stored(shadow: Campaign, told: int) -> bool:
    """Whether every admitted claim is a row, or parked. Raises StoreFailure, DatabaseAway."""
    with availability.require_database():
        stored = Tally.objects.get(campaign=shadow).stored
    if shadow.strategy == Campaign.Strategy.DIRECT:
        return stored >= told
    gate = store().campaigns.gate(shadow.slug)
    return gate.waiting == 0 and stored >= max(gate.admitted - gate.parked, told)


def read_stored(shadow: Campaign) -> Stored:
    """Raises DatabaseAway."""
    with availability.require_database():
        hashes, rows, after = 0, 0, 0
        while page := _page(shadow, after):
            rows += len(page)
            after = page[-1][0]
            hashes = digest_sum([hashes, *(coupon_hash(u, p, c) for p, u, c in page)])
        least_age_s = _least_age_s(shadow)
    admitted, waiting, parked = _of_gate(shadow)
    return Stored(rows, f"{hashes:064x}", admitted, waiting, parked, least_age_s)


def _page(shadow: Campaign, after: int) -> list[tuple[int, str, str]]:
    rows = Coupon.objects.filter(campaign=shadow, place__gt=after).order_by("place")
    return list(rows.values_list("place", "user", "code")[:_PAGE])


def _of_gate(shadow: Campaign) -> tuple[int, int, int]:
    if shadow.strategy == Campaign.Strategy.DIRECT:
        return -1, 0, 0
    try:
        gate = store().campaigns.gate(shadow.slug)
    except StoreFailure:
        return -1, -1, -1
    return gate.admitted, gate.waiting, gate.parked


def _least_age_s(shadow: Campaign) -> float:
    age = Min(F("stored_at") - F("admitted_at"))
    least = Coupon.objects.filter(campaign=shadow).aggregate(least=age)["least"]
    return float(least.total_seconds()) if least is not None else 0.0
