"""Panels about coupons after their claim: shops' requests, and what became of the coupons."""

from panels import Panel

_SECONDS = "django_http_requests_latency_seconds_by_view_method_bucket"
_OF_SHOPS = '{view=~"quotes|reservations|redemptions|cancellation"}'

LIFE = [
    Panel(
        title="Steps of coupons a second", unit="ops", stacked=True,
        queries={"{{verb}}": "sum by (verb) (rate(coupon_steps_total[1m])) or vector(0)"},
        says="Reserved, redeemed, cancelled, …: each is a row of the coupon's history.",
    ),
    Panel(
        title="Refused requests of shops a second", unit="ops", stacked=True,
        queries={"{{code}}": "sum by (code) (rate(coupon_step_refusals_total[1m])) or vector(0)"},
        says="Held and redeemed are races between orders; unknown coupons may be a guesser's.",
    ),
    Panel(
        title="Duration of shops' requests, p99", unit="s",
        queries={
            "{{view}}": "histogram_quantile(0.99, sum by (le, view)"
                        f" (rate({_SECONDS}{_OF_SHOPS}[5m]))) or vector(0)",
        },
    ),
    Panel(
        title="Expired coupons recorded a second", unit="ops",
        queries={"recorded": "sum(rate(coupon_expiries_recorded_total[5m])) or vector(0)"},
        says="An expired coupon reads as expired before it is recorded.",
    ),
]  # fmt: skip
