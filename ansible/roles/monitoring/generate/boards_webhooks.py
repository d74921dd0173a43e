"""Panels about webhooks."""

from panels import Panel

WEBHOOKS = [
    Panel(
        title="Attempts a second", unit="ops", stacked=True,
        queries={"{{result}}": "sum by (result) (rate(coupon_webhook_attempts_total[1m]))"},
        says="forbidden: the address is inside a network. unsigned: COUPON_KEYS lacks a key.",
    ),
    Panel(
        title="From the event to its delivery", unit="s",
        queries={
            "p50": "histogram_quantile(0.5, sum by (le)"
                   " (rate(coupon_webhook_delay_seconds_bucket[5m])))",
            "p95": "histogram_quantile(0.95, sum by (le)"
                   " (rate(coupon_webhook_delay_seconds_bucket[5m])))",
        },
        says="Of those that were delivered; retries are in it.",
    ),
    Panel(
        title="Longest waiting", unit="s",
        queries={
            "due, at an endpoint that answers": "max(coupon_webhooks_oldest_due_seconds)",
            "event without deliveries": "max(coupon_webhooks_oldest_unrouted_seconds)",
        },
    ),
    Panel(
        title="Deliveries that are due",
        queries={"due": "max(coupon_webhooks_waiting)"},
        says="At enabled endpoints; 10,000: so many or more.",
    ),
    Panel(
        title="Endpoints",
        queries={
            "failing": "max(coupon_webhook_endpoints_failing)",
            "disabled by the sender": "max(coupon_webhook_endpoints_disabled)",
        },
    ),
]  # fmt: skip
