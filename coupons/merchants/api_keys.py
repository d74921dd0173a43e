"""Keys of merchants' backends: made, rolled, revoked and verified.

A key reads `cpk_live_<prefix>.<secret>`. The database holds the prefix and the SHA-512 of the whole
text (the secret is random, so a slow hash would protect nothing), never the key itself. Expiry is
judged by the database's clock.

Each process remembers what it read of a prefix, known or not, for at most CACHED_S: so long a
revoked key may still be accepted. The secret is compared with the hash at every request.
"""

import logging
import math
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from rest_framework_api_key.crypto import KeyGenerator, concatenate

from coupons.audit.actors import Actor
from coupons.claims import timestamps
from coupons.database import availability, clock
from coupons.errors import BadKey, DatabaseAway, Refused
from coupons.models import ActorKind, Merchant, MerchantKey, Scope
from coupons.runtime import ProcessState

logger = logging.getLogger(__name__)

LABEL = "cpk_live_"  # found by scanners of leaked secrets
KEY_FORM = re.compile(rf"{LABEL}([a-z0-9]{{8}})\.[A-Za-z0-9]{{32}}")
MOST_OVERLAP_DAYS = 7
CACHED_S = 5.0
KEY_NEEDED = "A valid key is needed: 'Authorization: Api-Key KEY'."
USE_WRITTEN_EVERY_MS = 60_000
MOST_CACHED = 10_000  # entries in each cache: made-up prefixes can't use more memory
_PREFIX_CHARS = "abcdefghijklmnopqrstuvwxyz0123456789"  # MySQL's collation ignores case
_GENERATOR = KeyGenerator()


@dataclass(frozen=True, slots=True)
class MerchantCaller:
    """Who sends a request: a merchant, by one of its keys. `scopes` are values of `Scope`."""

    merchant_id: int
    merchant: str  # slug
    prefix: str
    scopes: frozenset[str]

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.KEY, self.prefix)


@dataclass(slots=True)
class _KnownKey:
    caller: MerchantCaller
    hashed_key: str
    until_s: float  # monotonic
    read_ms: int  # by the database's clock
    last_used_at: datetime | None
    is_use_written: bool = False


@dataclass(slots=True)
class _Caches:
    known: dict[str, _KnownKey] = field(default_factory=dict)
    unknown: dict[str, float] = field(default_factory=dict)  # prefix → until, monotonic seconds


_caches = ProcessState(_Caches)


# Making, rolling, revoking


def make_key(
    merchant: Merchant, *, name: str, scopes: Iterable[str], days: int | None = None
) -> tuple[MerchantKey, str]:
    """Make a key. Returns its row and its text, which can't be read again.

    `days`: when it expires; None: never. Raises ValidationError, DatabaseAway."""
    with availability.require_database(), transaction.atomic():
        expires_at = None if days is None else _database_now() + timedelta(days=days)
        key, text = _insert_key(merchant, name, scopes, expires_at)
    logger.info("key %s of merchant %s was made", key.prefix, merchant.slug)
    return key, text


def roll_key(prefix: str, *, overlap_days: int) -> tuple[MerchantKey, str]:
    """Make a successor with the same name and scopes. The old key is valid for `overlap_days` more
    (0 to 7; never longer than it would have been). Returns the successor's row and text.

    Raises ValidationError, Refused (unknown, revoked, expired or rolled before), DatabaseAway."""
    if not 0 <= overlap_days <= MOST_OVERLAP_DAYS:
        text = _("Give an overlap of 0 to %(most)s days.") % {"most": MOST_OVERLAP_DAYS}
        raise ValidationError({"overlap_days": text})
    with availability.require_database(), transaction.atomic():
        old, now = _lock_key(prefix), _database_now()
        if old.revoked or old.replaced_by_id or (old.expiry_date and old.expiry_date <= now):
            raise Refused(_("{} is not in use any more: make a new key.").format(prefix))
        # A successor lasts as the old one would have.
        successor, text = _insert_key(old.merchant, old.name, old.scopes, old.expiry_date)
        ends = now + timedelta(days=overlap_days)
        old.expiry_date = min(ends, old.expiry_date or ends)
        old.replaced_by = successor
        old.save(update_fields=["expiry_date", "replaced_by"])
    forget_keys()
    logger.info("key %s was rolled to %s", prefix, successor.prefix)
    return successor, text


def revoke_key(prefix: str) -> MerchantKey:
    """Revoke a key, for good: refused everywhere within CACHED_S. Safe to repeat. Raises Refused
    (unknown), DatabaseAway."""
    with availability.require_database(), transaction.atomic():
        key = _lock_key(prefix)
        key.revoked = True
        key.save(update_fields=["revoked"])
    forget_keys()
    logger.info("key %s was revoked", prefix)
    return key


def _insert_key(
    merchant: Merchant, name: str, scopes: Iterable[str], expires_at: datetime | None
) -> tuple[MerchantKey, str]:
    prefix = get_random_string(8, _PREFIX_CHARS)
    text = f"{LABEL}{prefix}.{get_random_string(32)}"
    hashed = _GENERATOR.hash(text)
    key = MerchantKey(
        id=concatenate(prefix, hashed),
        prefix=prefix,
        hashed_key=hashed,
        merchant=merchant,
        name=name,
        scopes=sorted(set(scopes)),
        expiry_date=expires_at,
    )
    _demand_known_scopes(key.scopes)
    key.full_clean(exclude=["id", "merchant"])
    key.save(force_insert=True)
    return key, text


def _demand_known_scopes(scopes: list[str]) -> None:
    unknown = ", ".join(repr(scope) for scope in scopes if scope not in Scope.values)
    if unknown or not scopes:
        text = _("Give scopes of these: %(scopes)s.") % {"scopes": ", ".join(Scope.values)}
        raise ValidationError({"scopes": text})


def _lock_key(prefix: str) -> MerchantKey:
    key: MerchantKey | None = MerchantKey.objects.select_for_update().filter(prefix=prefix).first()
    if key is None:
        raise Refused(_("There is no key {!r}.").format(prefix))
    return key


def _database_now() -> datetime:
    return timestamps.moment_of(clock.now_ms())


# Verifying


def verify_key(text: str) -> MerchantCaller:
    """Whose key it is. Raises BadKey (unknown, expired and revoked alike), DatabaseAway."""
    form = KEY_FORM.fullmatch(text)
    known = form and _find_key(form[1])
    if not known or not _GENERATOR.preferred_hasher.verify(text, known.hashed_key):
        raise BadKey(KEY_NEEDED)
    if not known.is_use_written:
        known.is_use_written = True
        _write_last_use(known)
    return known.caller


def forget_keys() -> None:
    """Empty this process's caches; other processes forget within CACHED_S."""
    _caches.make_anew()


def _find_key(prefix: str) -> _KnownKey | None:
    """What is known of a prefix, at most CACHED_S old; None: there is no valid key."""
    now_s, caches = time.monotonic(), _caches.current
    known = caches.known.get(prefix)
    if known and known.until_s > now_s:
        return known
    if caches.unknown.get(prefix, 0.0) > now_s:
        return None
    known = _read_key(prefix, now_s)
    for cache in (caches.known, caches.unknown):
        cache.pop(prefix, None)
        if len(cache) >= MOST_CACHED:
            cache.clear()
    if known is None:
        caches.unknown[prefix] = now_s + CACHED_S
    else:
        caches.known[prefix] = known
    return known


def _read_key(prefix: str, now_s: float) -> _KnownKey | None:
    with availability.require_database():
        row = (
            MerchantKey.objects.filter(prefix=prefix, revoked=False)
            .select_related("merchant")
            .annotate(now_ms=clock.NowMs())
            .first()
        )
    if row is None:
        return None
    left_s = _seconds_left(row.expiry_date, row.now_ms)
    if left_s <= 0:
        return None
    scopes = frozenset(row.scopes) & frozenset(Scope.values)
    caller = MerchantCaller(row.merchant_id, row.merchant.slug, row.prefix, scopes)
    until_s = now_s + min(CACHED_S, left_s)
    return _KnownKey(caller, row.hashed_key, until_s, row.now_ms, row.last_used_at)


def _seconds_left(expires_at: datetime | None, now_ms: int) -> float:
    if expires_at is None:
        return math.inf
    return (timestamps.milliseconds_of(expires_at) - now_ms) / 1000


def _write_last_use(key: _KnownKey) -> None:
    """At most once a minute, by whichever process reads the key then. A key works without it."""
    before = key.last_used_at
    if before and key.read_ms - timestamps.milliseconds_of(before) < USE_WRITTEN_EVERY_MS:
        return
    unchanged = MerchantKey.objects.filter(prefix=key.caller.prefix, last_used_at=before)
    with suppress(DatabaseAway), availability.require_database():
        unchanged.update(last_used_at=timestamps.moment_of(key.read_ms))
