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
# Or until this after the stock sold out last, if that was no later than so long after the opening.
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
        **_chart(campaign, again or campaign.sold_out_at),
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


def _chart(campaign: Campaign, sold_out: datetime | None) -> dict[str, Any]:
    """The kept chart of who asked, and its title; of the report if there is one. `sold_out`: when
    it sold out last. Chart None: nobody is known of."""
    rows = ProofReport.objects.filter(campaign=campaign, figures__isnull=False)
    row = rows.first()
    if row is not None and row.figures:
        until_s = report_words.shown_until_s(row.figures)
        return {
            "chart": report_words.demand_bars(row.figures["demand"], until_s),
            "chart_title": report_words.demand_title_of(row.figures),
        }
    opens_ms = milliseconds_of(campaign.opens_at)
    begin_ms = opens_ms - opens_ms % 1000
    ran_ms = ms_after_opening(campaign, milliseconds_of(sold_out)) if sold_out else 0
    is_short = ran_ms <= MOST_CHART_MS
    span_ms = max(CHART_MS, ran_ms + AFTERWARDS_MS) if is_short else CHART_MS
    kept = demand.kept_demand(campaign, begin_ms, until_ms=begin_ms + span_ms)
    figures = report_demand.figures_of(kept, opens_ms)
    until_s = (ran_ms + AFTERWARDS_MS) // 1000 if is_short else 0
    return {
        "chart": report_words.demand_bars(figures, until_s),
        "chart_title": report_words.demand_title(
            figures, until_s, 0 if is_short else ran_ms // 1000
        ),
    }
