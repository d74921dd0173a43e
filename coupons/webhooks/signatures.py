"""Secrets of endpoints and signatures of deliveries, by Standard Webhooks 1.0.

No secret is stored: it is derived from a master key (COUPON_KEYS), the endpoint and the number of
its secret. A stolen copy of the database signs nothing.
"""

import base64
import hmac
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings
from standardwebhooks import Webhook

from coupons.errors import MissingKey
from coupons.models import WebhookEndpoint

_PREFIX = "whsec_"  # Standard Webhooks' mark of a secret, base64 behind it


def endpoint_secret(endpoint: WebhookEndpoint) -> str:
    """The current secret, as the merchant gets it: `whsec_…`. Raises MissingKey."""
    return _derived_secret(endpoint, endpoint.secret_number)


def _derived_secret(endpoint: WebhookEndpoint, number: int) -> str:
    master = settings.COUPON_KEYS.get(endpoint.key_id)
    if master is None:
        raise MissingKey(f"COUPON_KEYS has no key {endpoint.key_id!r}, from which secrets come.")
    name = f"webhook/{endpoint.pk}/{number}".encode()
    return _PREFIX + base64.b64encode(hmac.digest(master, name, "sha256")).decode()


def signed_headers(
    endpoint: WebhookEndpoint, message_id: UUID, body: str, *, now: datetime
) -> dict[str, str]:
    """The three headers of an attempt at `now` (aware). While the secret is rolled there are two
    signatures, the new secret's first. Raises MissingKey."""
    # The library reads the fields of any time as UTC: another zone's would be signed hours off.
    at = now.astimezone(UTC)
    signatures = [
        Webhook(_derived_secret(endpoint, number)).sign(str(message_id), at, body)
        for number in _valid_numbers(endpoint, at)
    ]
    return {
        "webhook-id": str(message_id),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _valid_numbers(endpoint: WebhookEndpoint, at: datetime) -> list[int]:
    until = endpoint.old_secret_until
    if until is not None and at < until:
        return [endpoint.secret_number, endpoint.secret_number - 1]
    return [endpoint.secret_number]
