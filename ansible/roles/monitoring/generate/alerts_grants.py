"""Alerts about jobs of many lines and stock that comes back."""

from alert import Alert, of_consumer

GRANTS = [
    Alert(
        name="JobsLate",
        expr="max(coupon_jobs_oldest_seconds) > 900",
        says="A job of many lines has not ended for 15 minutes: its worker does not work.",
        for_="5m",
        severity="ticket",
        fires={of_consumer("coupon_jobs_oldest_seconds"): "0+60x40"},
        quiet={of_consumer("coupon_jobs_oldest_seconds"): "0 60 120 600 0x40"},
    ),
    Alert(
        name="ReturnedStockWrong",
        expr="max(coupon_returned_faults) > 0",
        says="Units of stock that came back were counted wrongly, or given on twice.",
        for_="0m",
        fires={of_consumer("coupon_returned_faults", 'campaign="a"'): "0 0 1x40"},
        quiet={of_consumer("coupon_returned_faults", 'campaign="a"'): "0x40"},
    ),
]  # fmt: skip
