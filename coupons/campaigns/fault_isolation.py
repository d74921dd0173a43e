"""Failure isolation (bulkhead): work on many campaigns goes on with the next one if one fails.

A failure of one campaign (an error reply of Redis about its keys, contents that can't be parsed, a
lock on its row, a bug) is logged with its slug, counted, and not raised. A store that is away ends
the work: the next campaign would fail as well.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from billiard.exceptions import SoftTimeLimitExceeded

from coupons.database import error_codes
from coupons.errors import CouponError, DatabaseAway, StoreAway, UnknownCampaign
from coupons.observability import metrics
from coupons.observability.lasting_failures import LastingFailures
from coupons.observability.metrics import Work
from coupons.runtime import ProcessState
from coupons.store import ByCampaign

logger = logging.getLogger(__name__)

T = TypeVar("T")

lasting_failures = ProcessState(LastingFailures)


def _ignore(_: Exception) -> None:
    pass


@contextmanager
def isolate_campaign(
    slug: str, work: Work, *, on_failure: Callable[[Exception], None] = _ignore
) -> Iterator[None]:
    """Around the work on one campaign. `on_failure` is called with its failure.

    Raises StoreAway, DatabaseAway (but not for a lock conflict), and Celery's
    SoftTimeLimitExceeded, since these concern all campaigns.
    """
    try:
        yield
    except SoftTimeLimitExceeded:
        logger.error("%s of campaign %s took too long", work, slug)
        raise
    except UnknownCampaign as error:
        logger.warning("%s of campaign %.64s: %s", work, slug, error)
    except StoreAway as error:
        logger.warning("%s of campaign %s is put off: %s", work, slug, error)
        raise
    except Exception as error:
        if isinstance(error, DatabaseAway) and not error_codes.is_in_the_way(error):
            logger.warning("%s of campaign %s is put off: %s", work, slug, error)
            raise
        report_failure(slug, work, error)
        on_failure(error)


def report_failure(slug: str, work: Work, error: Exception) -> None:
    """Count a failure of one campaign, and log it; with a traceback unless it is a CouponError.
    A failure that goes on is logged once, then every ten minutes."""
    metrics.CAMPAIGN_FAILURES.labels(metrics.campaign_label(slug), work).inc()
    repeats = lasting_failures.current.log_suffix((slug, work, repr(error)))
    if repeats is None:
        return
    unexpected = None if isinstance(error, CouponError) else error
    logger.error("%s of campaign %s failed: %r%s", work, slug, error, repeats, exc_info=unexpected)


def successful_answers(answers: ByCampaign[T], work: Work) -> dict[str, T]:
    """The results of the campaigns that have one; the failures of the others are reported."""
    for slug, error in answers.failed.items():
        report_failure(slug, work, error)
    return answers
