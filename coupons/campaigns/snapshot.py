"""A campaign's definition as one frozen value, for views, admission and the writer.

No I/O: `coupons.campaigns.lookup` loads it.
"""

from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, get_type_hints

import orjson
from django.conf import settings

from coupons.claims import campaign_keys, coupon_codes, receipt_tokens
from coupons.claims.timestamps import LAST_MS, milliseconds_of
from coupons.errors import MissingKey
from coupons.models import Campaign
from coupons.models.currencies import DECIMALS


@dataclass(frozen=True, slots=True)
class CampaignSnapshot:
    """A campaign's definition, with its derived keys and without counts. Times in ms.

    `stock` is what is open to everyone: without the units raised for grants."""

    id: int
    slug: str
    name: str
    strategy: str
    stock: int
    per_user: int
    audience: str
    opens_ms: int
    closes_ms: int
    valid_until_ms: int | None
    valid_days: int | None
    terms: dict[str, str | None]
    key_id: str
    filter_blocks: int
    key: campaign_keys.CampaignKey = field(repr=False, compare=False)
    # Members of later releases have defaults: a gate that an earlier one wrote lacks them.
    waitlist_limit: int = 0
    announced_ms: int = 0  # before then users are told of no such campaign

    def expires_ms(self, admitted_ms: int) -> int:
        """When a coupon admitted at that moment expires, in ms; at most LAST_MS, which a definition
        saved before bounds were checked could exceed."""
        if self.valid_until_ms is not None:
            return self.valid_until_ms
        return min(admitted_ms + (self.valid_days or 0) * 86_400_000, LAST_MS)

    def code_of(self, *, user: str, nth: int, place: int) -> str:
        return coupon_codes.coupon_code(self.key, user, nth, place)

    def receipt_of(self, *, user: str, nth: int, place: int, admitted_ms: int) -> str:
        return receipt_tokens.sign_receipt(self.key, self.slug, user, nth, place, admitted_ms)


def campaign_key_of(key_id: str, slug: str) -> campaign_keys.CampaignKey:
    """The campaign's derived keys. Raises MissingKey."""
    secret = settings.COUPON_KEYS.get(key_id)
    if secret is None:
        raise MissingKey(f"COUPON_KEYS has no key {key_id!r}, with which {slug!r} signs.")
    return campaign_keys.campaign_key(key_id, secret, slug)


def snapshot_of(row: Campaign) -> CampaignSnapshot:
    return CampaignSnapshot(
        id=row.pk,
        slug=row.slug,
        name=row.name,
        strategy=row.strategy,
        stock=row.stock - row.granted,
        per_user=row.per_user,
        audience=row.audience,
        opens_ms=milliseconds_of(row.opens_at),
        closes_ms=milliseconds_of(row.closes_at),
        valid_until_ms=None if row.valid_until is None else milliseconds_of(row.valid_until),
        valid_days=row.valid_days,
        terms=public_terms(row),
        key_id=row.key_id,
        filter_blocks=row.filter_blocks,
        key=campaign_key_of(row.key_id, row.slug),
        waitlist_limit=row.waitlist_limit,
        announced_ms=0 if row.announced_at is None else milliseconds_of(row.announced_at),
    )


def public_terms(row: Campaign) -> dict[str, str | None]:
    decimals = max(_DECIMALS, DECIMALS.get(row.currency, _DECIMALS))
    is_percent = row.discount == Campaign.Discount.PERCENT
    return {
        "discount": row.discount,
        "value": f"{row.discount_value:.{_DECIMALS if is_percent else decimals}f}",
        "currency": row.currency,
        "minimum_order": f"{row.minimum_order:.{decimals}f}",
        "cap": None if row.discount_cap is None else f"{row.discount_cap:.{decimals}f}",
    }


_DECIMALS = 2  # at least, in the text of amounts: "1000.00", also for currencies without decimals


def serialise_snapshot(campaign: CampaignSnapshot) -> bytes:
    """The snapshot as JSON, as it is stored in the gate; without the keys."""
    return orjson.dumps({name: value for name, value in asdict(campaign).items() if name != "key"})


def parse_snapshot(raw: bytes) -> CampaignSnapshot | None:
    """The snapshot in a gate's JSON; None if it lacks a member without a default, has wrong types,
    numbers that no campaign has, or an unknown key id: MySQL's is used then. Additional members
    (of a newer version) are ignored."""
    try:
        document = orjson.loads(raw)
        members = _DEFAULTS | {
            name: document[name]
            for name in _MEMBER_TYPES
            if name in document or name not in _DEFAULTS
        }
    except (ValueError, KeyError, TypeError):
        return None
    is_valid = all(
        isinstance(members[name], member_type) and _is_possible(members[name])
        for name, member_type in _MEMBER_TYPES.items()
    )
    if not is_valid or members["key_id"] not in settings.COUPON_KEYS:
        return None
    return CampaignSnapshot(**members, key=campaign_key_of(members["key_id"], members["slug"]))


def _is_possible(value: object) -> bool:
    """No moment and no count is negative, or later than the last moment; `True` is no number."""
    return not isinstance(value, int) or (type(value) is int and 0 <= value <= LAST_MS)


# The type of each member, for `isinstance`; the same in the JSON as in `CampaignSnapshot`.
_MEMBER_TYPES: dict[str, Any] = {
    name: dict if name == "terms" else kind
    for name, kind in get_type_hints(CampaignSnapshot).items()
    if name != "key"
}
_DEFAULTS: dict[str, Any] = {
    member.name: member.default
    for member in fields(CampaignSnapshot)
    if member.default is not MISSING
}
