"""Signatures by Standard Webhooks, verified by its library as receivers do."""

import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from coupons.errors import MissingKey
from coupons.models import WebhookEndpoint
from coupons.webhooks import signatures

BODY = '{"type":"coupon.redeemed","data":{"note":"감사합니다"}}'
ID = uuid.UUID("01935d3e-0000-7000-8000-000000000001")


def endpoint(**fields: Any) -> WebhookEndpoint:
    defaults: dict[str, Any] = {"id": uuid.UUID(int=7), "key_id": "local", "secret_number": 1}
    return WebhookEndpoint(**defaults | fields)


def accepted(secret: str, headers: dict[str, str], body: str = BODY) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def test_a_receiver_with_the_secret_accepts_it_and_nothing_else() -> None:
    shop = endpoint()
    headers = signatures.signed_headers(shop, ID, BODY, now=datetime.now(UTC))
    assert headers["webhook-id"] == str(ID)
    assert accepted(signatures.endpoint_secret(shop), headers)
    assert not accepted(signatures.endpoint_secret(endpoint(id=uuid.UUID(int=8))), headers)
    assert not accepted(signatures.endpoint_secret(endpoint(secret_number=2)), headers)
    assert not accepted(signatures.endpoint_secret(shop), headers, body=BODY + " ")
    other_id = headers | {"webhook-id": str(uuid.UUID(int=9))}
    assert not accepted(signatures.endpoint_secret(shop), other_id)


def test_a_secret_is_32_bytes_in_base64_that_the_master_key_decides(settings: Any) -> None:
    secret = signatures.endpoint_secret(endpoint())
    assert secret.startswith("whsec_")
    assert len(secret) == len("whsec_") + 44
    settings.COUPON_KEYS = settings.COUPON_KEYS | {"local": b"another key of thirty-two bytes!"}
    assert signatures.endpoint_secret(endpoint()) != secret


def test_the_time_of_another_zone_is_signed_as_the_same_moment() -> None:
    """The library takes any zone's fields for UTC: a Korean time would be refused as 9 h off."""
    shop, seoul = endpoint(), timezone(timedelta(hours=9))
    headers = signatures.signed_headers(shop, ID, BODY, now=datetime.now(seoul))
    assert accepted(signatures.endpoint_secret(shop), headers)
    at = datetime.now(seoul)
    naive = Webhook(signatures.endpoint_secret(shop)).sign(
        str(ID), at, BODY
    )  # the negative control
    assert not accepted(signatures.endpoint_secret(shop), headers | {"webhook-signature": naive})


def test_while_a_secret_is_rolled_both_are_accepted_and_then_the_new_one_only() -> None:
    now = datetime.now(UTC)
    rolled = endpoint(secret_number=2, old_secret_until=now + timedelta(hours=1))
    old, new = signatures.endpoint_secret(endpoint()), signatures.endpoint_secret(rolled)
    headers = signatures.signed_headers(rolled, ID, BODY, now=now)
    assert [accepted(secret, headers) for secret in (old, new)] == [True, True]
    rolled.old_secret_until = now
    headers = signatures.signed_headers(rolled, ID, BODY, now=now)
    assert [accepted(secret, headers) for secret in (old, new)] == [False, True]


def test_a_key_that_is_gone_is_an_error_of_its_own() -> None:
    with pytest.raises(MissingKey):
        signatures.endpoint_secret(endpoint(key_id="gone"))
