"""Metrics of grants, returned stock, the waitlist and jobs."""

from prometheus_client import Counter, Gauge

from coupons.observability.metrics import Live

GRANTS = Counter("coupon_grants_total", "Users of grants, by verdict.", ["verdict"])
WAITLIST_SERVED = Counter(
    "coupon_waitlist_served_total", "Waitlist entries that were given a place or an offer."
)
RETURNED_FAULTS = Gauge(
    "coupon_returned_faults",
    "Faults in the counts of a campaign's returned stock that two checks have found.",
    ["campaign"],
    multiprocess_mode="mostrecent",
)
JOBS_WAITING = Live("coupon_jobs_unfinished", "Jobs of many lines that are not done.")
JOBS_OLDEST = Live("coupon_jobs_oldest_seconds", "Age of the oldest job that is not done, seconds.")
WAITLIST = Live("coupon_waitlist_waiting", "Users on waitlists, in all campaigns.")
RETURNED_DUE = Live(
    "coupon_returned_units_due", "Units of returned stock that go to the pool or a waitlist."
)
