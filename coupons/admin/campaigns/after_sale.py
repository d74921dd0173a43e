"""The summary on the page of a campaign that has sold out or closed: what came of the sale."""

from datetime import datetime
from typing import Any

from coupons.admin.campaigns.live_panel import Counts
from coupons.admin.formatting import exact_time, grouped_number
from coupons.audit.durations import duration_text
from coupons.campaigns import demand
from coupons.campaigns.sold_out import last_sold_out, ms_after_opening
from coupons.claims.timestamps import milliseconds_of
from coupons.errors import StoreFailure
from coupons.models import Campaign, Coupon, ProofReport
from coupons.proof import report_demand, report_words
from coupons.store import store

CHART_MS = 120_000  # of the demand around the opening
# Or until this after the stock sold out again, if that was no later than so long after the opening.
AFTERWARDS_MS, MOST_CHART_MS = 5_000, 900_000


def summary_of(campaign: Campaign, counts: Counts) -> dict[str, Any] | None:
    """None: it still goes on. Cheap: one coupon's row, a few minutes of demand. Raises
    DatabaseAway."""
    is_closed = campaign.state == Campaign.State.CLOSED
    if not is_closed and not (counts.sold_out and campaign.sold_out_at):
        return None
    again = last_sold_out(campaign)
    stored_at = _last_stored_at(campaign, counts)
    asked, refused = _asked(campaign)
    return {
        "is_closed": is_closed,
        "sold_out": _moment(campaign, campaign.sold_out_at),
        "sold_out_again": _moment(campaign, again),
        "stored": _moment(campaign, stored_at),
        "asked": grouped_number(asked),
        "refused": grouped_number(refused),
        "chart": _chart(campaign, again),
    }


def _moment(campaign: Campaign, at: Any) -> tuple[str, str] | None:
    """(time after the opening, moment)."""
    if at is None:
        return None
    return duration_text(ms_after_opening(campaign, milliseconds_of(at))), exact_time(at)


def _last_stored_at(campaign: Campaign, counts: Counts) -> Any:
    """When the last place's coupon was stored; None: some are not stored yet."""
    if counts.admitted is None or counts.waiting or counts.parked:
        return None
    rows = Coupon.objects.filter(campaign_id=campaign.pk, place=counts.admitted)
    return rows.values_list("stored_at", flat=True).first()


def _asked(campaign: Campaign) -> tuple[int | None, int | None]:
    try:
        counted = store().live.read_counts(campaign.slug)
    except StoreFailure:
        return None, None
    return counted.asked, counted.refused


def _chart(campaign: Campaign, again: datetime | None) -> Any:
    """The kept chart of who asked; of the report if there is one. None: nobody is known of."""
    rows = ProofReport.objects.filter(campaign=campaign, figures__isnull=False)
    row = rows.first()
    if row is not None and row.figures:
        return report_words.demand_bars(
            row.figures["demand"], report_words.shown_until_s(row.figures)
        )
    opens_ms = milliseconds_of(campaign.opens_at)
    begin_ms = opens_ms - opens_ms % 1000
    again_ms = ms_after_opening(campaign, milliseconds_of(again)) if again else 0
    span_ms = CHART_MS if again_ms > MOST_CHART_MS else max(CHART_MS, again_ms + AFTERWARDS_MS)
    kept = demand.kept_demand(campaign, begin_ms, until_ms=begin_ms + span_ms)
    until_s = 0 if again is None else span_ms // 1000
    return report_words.demand_bars(report_demand.figures_of(kept, opens_ms), until_s)
