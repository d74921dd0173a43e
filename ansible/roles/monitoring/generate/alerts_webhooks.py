"""Alerts about webhooks: they are the sender's, since a receiver that gets nothing is silent."""

from alert import Alert, of_consumer

FORBIDDEN = of_consumer("coupon_webhook_attempts_total", 'result="forbidden"')

WEBHOOKS = [
    Alert(
        name="WebhooksLate",
        expr="max(coupon_webhooks_oldest_due_seconds) > 60"
        " or max(coupon_webhooks_oldest_unrouted_seconds) > 60",
        says="Webhooks are not sent, to endpoints that answer: their worker does not work.",
        for_="2m",
        fires={of_consumer("coupon_webhooks_oldest_unrouted_seconds"): "0+15x40"},
        quiet={
            of_consumer("coupon_webhooks_oldest_due_seconds"): "5x40",
            of_consumer("coupon_webhooks_oldest_unrouted_seconds"): "1x40",
        },
    ),
    Alert(
        name="WebhookEndpointDisabled",
        expr="max(coupon_webhook_endpoints_disabled) > 0",
        says="An endpoint was disabled, since it refused or did not answer: tell its merchant.",
        for_="0m",
        severity="ticket",
        fires={of_consumer("coupon_webhook_endpoints_disabled"): "1x40"},
        quiet={of_consumer("coupon_webhook_endpoints_disabled"): "0x40"},
    ),
    Alert(
        name="WebhookEndpointsFail",
        expr="max(coupon_webhook_endpoints_failing) > 0",
        says="An endpoint has been failing: it will be disabled after ten attempts in three days.",
        for_="30m",
        severity="ticket",
        fires={of_consumer("coupon_webhook_endpoints_failing"): "2x200"},
        quiet={of_consumer("coupon_webhook_endpoints_failing"): "1x60 0 1x60 0x80"},
    ),
    Alert(
        name="WebhookAddressForbidden",
        expr='sum(increase(coupon_webhook_attempts_total{result="forbidden"}[10m])) > 0',
        says="An endpoint's name resolves to an address inside a network: nothing was sent there.",
        for_="0m",
        severity="ticket",
        fires={FORBIDDEN: "0+1x40"},
        quiet={FORBIDDEN: "3x40"},
    ),
]  # fmt: skip
