"""Metrics of what happens to coupons after their claim."""

from prometheus_client import Counter

COUPON_STEPS = Counter("coupon_steps_total", "Steps in the life of coupons.", ["verb"])
COUPON_REFUSALS = Counter(
    "coupon_step_refusals_total", "Requests of merchants that were refused.", ["code"]
)
EXPIRED = Counter("coupon_expiries_recorded_total", "Expired coupons that the sweep recorded.")
