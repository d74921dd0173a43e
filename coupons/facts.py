"""What a view must know of a campaign before it asks for an admission, kept in the process.

Facts live in Redis beside the gate, so that the way of a claim needs no database. MySQL is asked
only for campaigns that Redis does not hold: `direct` ones and unknown ones.
"""

import math
import time
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Any, get_type_hints

import orjson
from django.conf import settings

from coupons import codes, database, timestamps
from coupons.currencies import DECIMALS
from coupons.errors import CouponError, MissingKey, StoreFailure, UnknownCampaign
from coupons.models import SLUG, Campaign
from coupons.store import store

MOST_REMEMBERED = 10_000  # campaigns, and made-up names: bounds what those can take


@dataclass(frozen=True, slots=True)
class Facts:
    """A campaign's definition without secrets and without anything that counts. Times in ms."""

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
    key: codes.CampaignKey = field(repr=False, compare=False)

    def expires_ms(self, admitted_ms: int) -> int:
        """When a coupon admitted at that moment stops being valid; at the last moment that can be
        written, where a definition from before its bounds would have it still later."""
        if self.valid_until_ms is not None:
            return self.valid_until_ms
        return min(admitted_ms + (self.valid_days or 0) * 86_400_000, timestamps.LAST_MS)

    def code_of(self, *, user: str, nth: int, place: int) -> str:
        return codes.coupon_code(self.key, user, nth, place)

    def receipt_of(self, *, user: str, nth: int, place: int, admitted_ms: int) -> str:
        return codes.receipt(self.key, self.slug, user, nth, place, admitted_ms)


def key_of(key_id: str, slug: str) -> codes.CampaignKey:
    """Raises MissingKey."""
    secret = settings.COUPON_KEYS.get(key_id)
    if secret is None:
        raise MissingKey(f"COUPON_KEYS has no key {key_id!r}, with which {slug!r} signs.")
    return codes.campaign_key(key_id, secret, slug)


def from_row(row: Campaign) -> Facts:
    return Facts(
        id=row.pk,
        slug=row.slug,
        name=row.name,
        strategy=row.strategy,
        stock=row.stock,
        per_user=row.per_user,
        audience=row.audience,
        opens_ms=timestamps.milliseconds(row.opens_at),
        closes_ms=timestamps.milliseconds(row.closes_at),
        valid_until_ms=None
        if row.valid_until is None
        else timestamps.milliseconds(row.valid_until),
        valid_days=row.valid_days,
        terms=_terms(row),
        key_id=row.key_id,
        filter_blocks=row.filter_blocks,
        key=key_of(row.key_id, row.slug),
    )


def _terms(row: Campaign) -> dict[str, str | None]:
    money = max(_DECIMALS, DECIMALS.get(row.currency, _DECIMALS))
    is_percent = row.discount == Campaign.Discount.PERCENT
    return {
        "discount": row.discount,
        "value": f"{row.discount_value:.{_DECIMALS if is_percent else money}f}",
        "currency": row.currency,
        "minimum_order": f"{row.minimum_order:.{money}f}",
        "cap": None if row.discount_cap is None else f"{row.discount_cap:.{money}f}",
    }


_DECIMALS = 2  # at least, in a text of terms: "1000.00" of every currency that has no thousandths


def dumps(facts: Facts) -> bytes:
    """As they stand in the gate; the key stays out."""
    return orjson.dumps({name: value for name, value in asdict(facts).items() if name != "key"})


def loads(raw: bytes) -> Facts | None:
    """None for what an older version of this code wrote, and for what no version wrote; what a
    newer one adds is left alone."""
    try:
        said = orjson.loads(raw)
        known = {name: said[name] for name in _KINDS}
    except (ValueError, KeyError, TypeError):
        return None
    is_ours = all(isinstance(known[name], kind) for name, kind in _KINDS.items())
    if not is_ours or known["key_id"] not in settings.COUPON_KEYS:
        return None
    return Facts(**known, key=key_of(known["key_id"], known["slug"]))


# What `isinstance` is asked for each member, in the JSON as in `Facts`.
_KINDS: dict[str, Any] = {
    name: dict if name == "terms" else kind
    for name, kind in get_type_hints(Facts).items()
    if name != "key"
}


_remembered: dict[str, tuple[float, Facts]] = {}
_unknown: dict[str, float] = {}  # apart, so that made-up names push no campaign out


def of(slug: str) -> Facts:
    """The campaign's facts, at most FACTS_TTL_S old while its home answers.

    Raises UnknownCampaign (also for drafts), DatabaseAway, MissingKey.
    """
    now = time.monotonic()
    until, facts = _remembered.get(slug, (0.0, None))
    if facts is not None and until > now:
        return facts
    if _unknown.get(slug, 0.0) > now or not SLUG.fullmatch(slug):
        raise UnknownCampaign("There is no campaign of this name.")
    facts = _load_or_keep(slug, facts)
    memory: dict[str, Any] = _unknown if facts is None else _remembered
    if len(memory) >= MOST_REMEMBERED:
        memory.clear()
    until = now + settings.FACTS_TTL_S
    if facts is None:
        _unknown[slug] = until
        raise UnknownCampaign(f"There is no campaign {slug!r}.")
    _remembered[slug] = (until, facts)
    return facts


def _load_or_keep(slug: str, kept: Facts | None) -> Facts | None:
    """Fresh facts; while their home is away, the ones we have."""
    try:
        return load(slug)
    except CouponError:
        if kept is None:
            raise
        return kept


def load(slug: str) -> Facts | None:
    """From Redis, or from MySQL where Redis has none that can be read; None: no such campaign, or
    still a draft. Raises MissingKey."""
    now = time.monotonic()
    try:
        raw, as_of_s = store().facts(slug), now - settings.FACTS_TTL_S
    except StoreFailure:  # a direct campaign needs no Redis; a queued one will be told by
        raw, as_of_s = None, now  # admission, also one that is new, so an older list will not do
    known = loads(raw) if raw else None
    if known and known.slug == slug:
        return known
    if slug not in _public(as_of_s):
        return None
    with database.answering():
        row = Campaign.objects.filter(slug=slug).exclude(state=Campaign.State.DRAFT).first()
    return None if row is None else from_row(row)


def _public(as_of_s: float) -> frozenset[str]:
    """All slugs that were no drafts' at that moment or later: one query at a time for any number
    of made-up names. Who comes while one runs waits, and shares the next."""
    with _listed.reading:
        if _listed.at_s < as_of_s:
            with database.answering():
                at_s = time.monotonic()
                public = Campaign.objects.exclude(state=Campaign.State.DRAFT)
                _listed.slugs = frozenset(public.values_list("slug", flat=True))
                _listed.at_s = at_s
        return _listed.slugs


@dataclass(slots=True)
class _Listed:
    slugs: frozenset[str] = frozenset()
    at_s: float = -math.inf
    reading: Lock = field(default_factory=Lock)


_listed = _Listed()


def forget() -> None:
    """Empty this process's memory of campaigns."""
    _remembered.clear()
    _unknown.clear()
    _listed.at_s = -math.inf
