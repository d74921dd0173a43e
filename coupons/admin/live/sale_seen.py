"""What is known of a sale (`Seen`), from what MySQL and Redis have said of it."""

from dataclasses import replace
from typing import Any

from coupons.admin.live.seen import RATE_S, RECENT_S, Seen, demand_of, percentile_ms
from coupons.campaigns.demand import DemandSecond
from coupons.campaigns.effective_state import effective_state
from coupons.campaigns.sold_out import ms_after_opening
from coupons.claims.timestamps import milliseconds_of
from coupons.models import Campaign
from coupons.store.live import SaleReading

BEGINS_MS = 2_000  # a second, and the time until processes have sent their counts of it
State = Campaign.State


def seen_now(
    row: Campaign, sale: SaleReading | None, now_ms: int, *, mysql_answers: bool = True
) -> Seen:
    queued = row.strategy == Campaign.Strategy.QUEUED and row.state != State.DRAFT
    stored, gate = row.tally.stored, sale.gate if sale else None
    seen = Seen(
        state=effective_state(row, now_ms),
        is_held=row.held,
        is_queued=queued,
        mysql_answers=mysql_answers,
        resumed_ms=_resumed_ms(row, now_ms),
        opens_in_ms=milliseconds_of(row.opens_at) - now_ms,
        closes_in_ms=milliseconds_of(row.closes_at) - now_ms,
        stock=row.stock,
        stored=stored,
        sold_out_after_ms=_sold_out_after_ms(row),
    )
    if not queued:
        return replace(seen, admitted=stored if mysql_answers else None, waiting=0, parked=0)
    if sale is None or gate is None:
        return replace(seen, is_lost=sale is not None)
    accounted = stored + gate.waiting + gate.parked + vars(row)["given_up_places"] + row.tally.holes
    return replace(
        seen,
        admitted=gate.admitted,
        waiting=gate.waiting,
        parked=gate.parked,
        missing=max(0, gate.admitted - accounted) if mysql_answers else 0,
        oldest_ms=None if sale.oldest_ms is None else max(0, sale.now_ms - sale.oldest_ms),
    )


def _sold_out_after_ms(row: Campaign) -> int | None:
    if row.sold_out_at is None:
        return None
    return ms_after_opening(row, milliseconds_of(row.sold_out_at))


def _resumed_ms(row: Campaign, now_ms: int) -> int | None:
    resumed_at = vars(row)["resumed_at"]
    return None if resumed_at is None else max(0, now_ms - milliseconds_of(resumed_at))


def demand_seen(seen: Seen, seconds: tuple[DemandSecond, ...], sale: SaleReading) -> dict[str, Any]:
    whole_ms = sale.now_ms - sale.now_ms % 1000
    recent = [second for second in seconds if second.second_ms >= whole_ms - 1000 * RECENT_S]
    latest = [second for second in recent if second.second_ms >= whole_ms - 1000 * RATE_S]
    return {
        "rate": _rate(seen, latest),
        "recent": demand_of(recent),
        "p99_ms": percentile_ms(recent),
        "asked_since_opening": _asked_since(seen, seconds, sale.now_ms),
        "canary_ms": None if sale.canary_ms is None else max(0, sale.now_ms - sale.canary_ms),
        "sweep_ms": None if sale.swept_ms is None else max(0, sale.now_ms - sale.swept_ms),
    }


def _rate(seen: Seen, latest: list[DemandSecond]) -> int | None:
    """None: it has just begun, and the first whole second is not counted yet."""
    asked = demand_of(latest).asked
    begins = seen.state == State.OPEN and seen.claimable_ms < BEGINS_MS
    return None if begins and not asked else round(asked / RATE_S)


def _asked_since(seen: Seen, seconds: tuple[DemandSecond, ...], now_ms: int) -> int:
    """Since it could be claimed. The second of a late resume is left out: it was refused in it."""
    since_ms = now_ms - seen.claimable_ms
    first_ms = since_ms if seen.was_resumed_late else since_ms - 999
    return demand_of(each for each in seconds if each.second_ms >= first_ms).everything
