"""Metrics of webhooks."""

from prometheus_client import Counter, Histogram

from coupons.observability.metrics import Live

ATTEMPTS = Counter(
    "coupon_webhook_attempts_total", "Attempts to deliver a webhook, by result.", ["result"]
)
DELAY = Histogram(
    "coupon_webhook_delay_seconds",
    "Seconds from an event until its delivery, both by the database's clock.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 60, 600, 3600, 86_400),
)
WAITING = Live("coupon_webhooks_waiting", "Deliveries that are due at enabled endpoints.")
OLDEST = Live(
    "coupon_webhooks_oldest_due_seconds",
    "How long the longest waiting delivery has been due at an endpoint that answers, seconds.",
)
UNROUTED = Live(
    "coupon_webhooks_oldest_unrouted_seconds",
    "Age of the oldest event without deliveries, seconds.",
)
FAILING = Live("coupon_webhook_endpoints_failing", "Enabled endpoints whose last attempt failed.")
DISABLED = Live(
    "coupon_webhook_endpoints_disabled",
    "Endpoints that the sender disabled in the last seven days and nobody has enabled since.",
)
