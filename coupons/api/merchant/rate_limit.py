"""Limits per key, each counted by every web process for itself: with 4 processes on 2 hosts a key
gets up to 8 times as much. They keep one shop's fault from using up the site, and make guessing
codes hopeless (a code has 75 bits); they are no quota."""

import logging

from limits import RateLimitItemPerMinute

from coupons.api.rate_limit import FailedLookups, PerSecond, failing_open
from coupons.claims.hot_settings import settings
from coupons.errors import TooManyRequests
from coupons.merchants.api_keys import MerchantCaller
from coupons.observability import stranger_metrics
from coupons.runtime import ProcessState

logger = logging.getLogger(__name__)


_requests = ProcessState(PerSecond)
_unknown_codes = ProcessState(FailedLookups)


class TooManyUnknownCodes(TooManyRequests):
    retry_after_s = 60


def check_requests_of(caller: MerchantCaller) -> None:
    """Count a request of this key. Raises TooManyRequests."""
    limit = settings.REQUESTS_PER_KEY_PER_S
    if limit and not failing_open(lambda: _requests.current.count(caller.prefix) <= limit):
        stranger_metrics.LIMITED.labels("key").inc()
        raise TooManyRequests(
            "More than 1 request in a second. Please wait."
            if limit == 1
            else f"More than {limit} requests in a second. Please wait."
        )


def count_unknown_code(caller: MerchantCaller) -> None:
    """Count a code that this key's merchant does not have, before `unknown_coupon` is answered.
    Raises TooManyRequests over the limit."""
    limit = _limit()
    if limit and not failing_open(
        lambda: _unknown_codes.current.limiter().hit(limit, caller.prefix)
    ):
        logger.warning("key %s asks for too many unknown codes", caller.prefix)
        raise _refusal()


def check_unknown_codes(caller: MerchantCaller) -> None:
    """Raises TooManyRequests while the key is over the limit of unknown codes: known codes are
    refused as well then, or the limit would tell them apart."""
    limit = _limit()
    if limit and not failing_open(
        lambda: _unknown_codes.current.limiter().test(limit, caller.prefix)
    ):
        raise _refusal()


def _limit() -> RateLimitItemPerMinute | None:
    amount = settings.UNKNOWN_CODES_PER_KEY_PER_MIN
    return RateLimitItemPerMinute(amount) if amount else None


def _refusal() -> TooManyRequests:
    stranger_metrics.LIMITED.labels("unknown codes of a key").inc()
    most = settings.UNKNOWN_CODES_PER_KEY_PER_MIN
    return TooManyUnknownCodes(
        "More than 1 unknown code in a minute. Please wait."
        if most == 1
        else f"More than {most} unknown codes in a minute. Please wait."
    )
