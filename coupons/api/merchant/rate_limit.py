"""Limits per key, each counted by every web process for itself: with 4 processes on 2 hosts a key
gets up to 8 times as much. They keep one shop's fault from using up the site, and make guessing
codes hopeless (a code has 75 bits); they are no quota."""

import logging
from threading import Lock

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from coupons.api.rate_limit import PerSecond
from coupons.claims.hot_settings import settings
from coupons.errors import TooManyRequests
from coupons.merchants.api_keys import MerchantCaller
from coupons.runtime import ProcessState

logger = logging.getLogger(__name__)


class UnknownCodes:
    """Unknown codes of each key during the last minute (`limits`: a moving window)."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._limiter: MovingWindowRateLimiter | None = None

    def limiter(self) -> MovingWindowRateLimiter:
        """Made on first use: the library starts a thread with it."""
        with self._lock:
            if self._limiter is None:
                self._limiter = MovingWindowRateLimiter(MemoryStorage())
            return self._limiter


_requests = ProcessState(PerSecond)
_unknown_codes = ProcessState(UnknownCodes)


class TooManyUnknownCodes(TooManyRequests):
    retry_after_s = 60


def check_requests_of(caller: MerchantCaller) -> None:
    """Count a request of this key. Raises TooManyRequests."""
    limit = settings.REQUESTS_PER_KEY_PER_S
    if limit and _requests.current.count(caller.prefix) > limit:
        raise TooManyRequests(
            "More than 1 request in a second. Please wait."
            if limit == 1
            else f"More than {limit} requests in a second. Please wait."
        )


def count_unknown_code(caller: MerchantCaller) -> None:
    """Count a code that this key's merchant does not have, before `unknown_coupon` is answered.
    Raises TooManyRequests over the limit."""
    limit, limiter = _limit(), _unknown_codes.current.limiter()
    if limit and not limiter.hit(limit, caller.prefix):
        logger.warning("key %s asks for too many unknown codes", caller.prefix)
        raise _refusal()


def check_unknown_codes(caller: MerchantCaller) -> None:
    """Raises TooManyRequests while the key is over the limit of unknown codes: known codes are
    refused as well then, or the limit would tell them apart."""
    limit = _limit()
    if limit and not _unknown_codes.current.limiter().test(limit, caller.prefix):
        raise _refusal()


def _limit() -> RateLimitItemPerMinute | None:
    amount = settings.UNKNOWN_CODES_PER_KEY_PER_MIN
    return RateLimitItemPerMinute(amount) if amount else None


def _refusal() -> TooManyRequests:
    most = settings.UNKNOWN_CODES_PER_KEY_PER_MIN
    return TooManyUnknownCodes(
        "More than 1 unknown code in a minute. Please wait."
        if most == 1
        else f"More than {most} unknown codes in a minute. Please wait."
    )
