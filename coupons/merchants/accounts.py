"""Merchants, and what may be shown of them and of their keys (never a secret)."""

import logging
from typing import Any

from coupons.claims import timestamps
from coupons.database import availability
from coupons.errors import Refused
from coupons.models import Merchant, MerchantKey

logger = logging.getLogger(__name__)


class UnknownMerchant(Refused):
    code = "unknown_merchant"


def make_merchant(slug: str, *, name: str) -> Merchant:
    """Raises ValidationError (also for a slug in use), DatabaseAway."""
    merchant = Merchant(slug=slug, name=name)
    with availability.require_database():
        merchant.full_clean()
        merchant.save(force_insert=True)
    logger.info("merchant %s was made", slug)
    return merchant


def find_merchant(slug: str) -> Merchant:
    """Raises UnknownMerchant, DatabaseAway."""
    with availability.require_database():
        merchant = Merchant.objects.filter(slug=slug).first()
    if merchant is None:
        raise UnknownMerchant(f"There is no merchant {slug!r}.")
    return merchant


def describe_merchant(merchant: Merchant) -> dict[str, Any]:
    """As JSON values, with its keys. Raises DatabaseAway."""
    with availability.require_database():
        keys = list(MerchantKey.objects.filter(merchant=merchant).select_related("replaced_by"))
    return {
        "merchant": merchant.slug,
        "name": merchant.name,
        "created_at": _text(merchant.created_at),
        "keys": [describe_key(key) for key in keys],
    }


def describe_key(key: MerchantKey) -> dict[str, Any]:
    """As JSON values."""
    return {
        "prefix": key.prefix,
        "name": key.name,
        "scopes": key.scopes,
        "created_at": _text(key.created),
        "expires_at": _text(key.expiry_date),
        "last_used_at": _text(key.last_used_at),
        "revoked": key.revoked,
        "replaced_by": key.replaced_by.prefix if key.replaced_by else None,
    }


def _text(at: Any) -> str | None:
    return at and timestamps.iso_of(timestamps.milliseconds_of(at))
