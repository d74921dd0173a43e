"""Ringing for a drain: one Celery message that carries a slug and no claim. May be lost."""

import logging

import kombu.exceptions
from celery import current_app

from coupons import metrics

logger = logging.getLogger(__name__)

# Task names: a contract between web, beat and worker.
DRAIN, SWEEP, GUARD = "coupons.drain", "coupons.sweep", "coupons.guard"
RECONCILE = "coupons.reconcile"
EXPIRES_S = 30  # a bell nobody heard for so long has been rung again many times


def ring(slug: str) -> bool:
    """Wake a worker. A failure is a metric, never an error: the claim is safe, beat rings too."""
    try:
        current_app.send_task(DRAIN, args=[slug], expires=EXPIRES_S, retry=False)
    except (kombu.exceptions.OperationalError, OSError) as error:
        metrics.BELLS_LOST.inc()
        logger.warning("bell for %s was lost: %s", slug, error)
        return False
    return True
