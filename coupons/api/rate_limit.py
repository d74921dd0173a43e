"""Limits per user, each counted by every web process for itself; the front counts per token and
address for the host (ansible/README.md, "The front").

| counted | limit | beyond it |
|---|---|---|
| claims, receipts, whatever changes something | CLAIMS_PER_USER_PER_S | 429 for a second |
| all other requests with a token | REQUESTS_PER_USER_PER_S | the same |
| codes and receipts that do not exist | UNKNOWN_PER_USER_PER_MIN | 429 for known ones, too |

An address is no user: behind one there may be a school. A limiter that fails lets the request pass,
and is counted: limits are for fairness, while admission decides and fails closed.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from coupons.campaigns import lookup
from coupons.claims.hot_settings import settings
from coupons.errors import TooManyRequests, UnknownCoupon
from coupons.observability import hot_counters, refusal_notes, stranger_metrics
from coupons.runtime import ProcessState

logger = logging.getLogger(__name__)


class PerSecond:
    """Fixed-window counter: counts per key, reset at every whole second."""

    def __init__(self) -> None:
        self._second = 0
        self._counts: dict[str, int] = {}
        self._lock = Lock()

    def count(self, key: str) -> int:
        """Count this key. Returns how often it was counted in this second."""
        second = int(time.monotonic())
        with self._lock:
            if second != self._second:
                self._second, self._counts = second, {}
            times = self._counts[key] = self._counts.get(key, 0) + 1
        return times


class FailedLookups:
    """Look-ups that found nothing, of each user or key during the last minute (`limits`: a moving
    window)."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._limiter: MovingWindowRateLimiter | None = None

    def limiter(self) -> MovingWindowRateLimiter:
        """Made on first use: the library starts a thread with it."""
        with self._lock:
            if self._limiter is None:
                self._limiter = MovingWindowRateLimiter(MemoryStorage())
            return self._limiter


_claims = ProcessState(PerSecond)
_requests = ProcessState(PerSecond)
_failed_lookups = ProcessState(FailedLookups)


class TooManyFailedLookups(TooManyRequests):
    retry_after_s = 60


def failing_open(ask: Callable[[], bool]) -> bool:
    """Whether a limiter allows a request; an error of the limiter itself allows it."""
    try:
        return ask()
    except Exception:
        return not _let_pass()


def _let_pass() -> bool:
    """Count and log the failure of a limiter; False: not over the limit."""
    stranger_metrics.LIMITER_FAILURES.inc()
    logger.exception("a rate limiter failed: the request passes")
    return False


def check_claims_of(user: str, slug: str = "") -> None:
    """Count a claim of this user. Raises TooManyRequests, and counts and notes that for the
    campaign `slug`, where the request is a claim."""
    limit = settings.CLAIMS_PER_USER_PER_S
    try:  # a claim pays for no call more than this
        is_over = limit and _claims.current.count(user) > limit
    except Exception:
        is_over = _let_pass()
    if is_over:
        stranger_metrics.LIMITED.labels("claims").inc()
        hot_counters.count_turned_away(slug, TooManyRequests.code)
        if slug and lookup.is_cached(slug):
            refusal_notes.note_refusal(slug, user, 0, TooManyRequests.code)
        raise TooManyRequests(
            "More than 1 claim in a second. Please wait."
            if limit == 1
            else f"More than {limit} claims in a second. Please wait."
        )


def check_requests_of(user: str) -> None:
    """Count a request of this user that changes nothing. Raises TooManyRequests."""
    limit = settings.REQUESTS_PER_USER_PER_S
    if limit and not failing_open(lambda: _requests.current.count(user) <= limit):
        stranger_metrics.LIMITED.labels("requests").inc()
        raise TooManyRequests(
            "More than 1 request in a second. Please wait."
            if limit == 1
            else f"More than {limit} requests in a second. Please wait."
        )


@contextmanager
def counted_lookup(user: str) -> Iterator[None]:
    """Around a look-up by code. Raises TooManyRequests for a user who asks for many unknown."""
    check_failed_lookups(user)
    try:
        yield
    except UnknownCoupon:
        count_failed_lookup(user)
        raise


def count_failed_lookup(user: str) -> None:
    """Count what this user asked for and does not exist, before that is answered. Raises
    TooManyRequests over the limit."""
    limit = _lookup_limit()
    if limit and not failing_open(lambda: _failed_lookups.current.limiter().hit(limit, user)):
        raise _lookup_refusal()


def check_failed_lookups(user: str) -> None:
    """Raises TooManyRequests while the user is over the limit."""
    limit = _lookup_limit()
    if limit and not failing_open(lambda: _failed_lookups.current.limiter().test(limit, user)):
        raise _lookup_refusal()


def _lookup_limit() -> RateLimitItemPerMinute | None:
    amount = settings.UNKNOWN_PER_USER_PER_MIN
    return RateLimitItemPerMinute(amount) if amount else None


def _lookup_refusal() -> TooManyRequests:
    stranger_metrics.LIMITED.labels("failed look-ups").inc()
    most = settings.UNKNOWN_PER_USER_PER_MIN
    return TooManyFailedLookups(
        "More than 1 unknown code in a minute. Please wait."
        if most == 1
        else f"More than {most} unknown codes in a minute. Please wait."
    )
