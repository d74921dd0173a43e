"""Panels about grants, jobs, returned stock and the waitlist."""

from panels import Panel

GRANTS = [
    Panel(
        title="Users of grants a second", unit="ops", stacked=True,
        queries={"{{verdict}}": "sum by (verdict) (rate(coupon_grants_total[1m]))"},
        says="granted: got a place now. has_place: had one. later: the queue was full.",
    ),
    Panel(
        title="Jobs",
        queries={"not done": "max(coupon_jobs_unfinished)"},
    ),
    Panel(
        title="Oldest job", unit="s",
        queries={"age": "max(coupon_jobs_oldest_seconds)"},
    ),
    Panel(
        title="Waitlists",
        queries={
            "users who wait": "max(coupon_waitlist_waiting)",
            "returned units to be given on": "max(coupon_returned_units_due)",
        },
    ),
    Panel(
        title="Waitlist entries served a second", unit="ops",
        queries={"served or offered": "sum(rate(coupon_waitlist_served_total[5m]))"},
    ),
    Panel(
        title="Faults of returned stock",
        queries={"{{campaign}}": "max by (campaign) (coupon_returned_faults) or vector(0)"},
        says="0, always. Else: manage.py reconcile SLUG.",
    ),
]  # fmt: skip
