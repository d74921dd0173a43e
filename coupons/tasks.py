"""Celery's way in: each task is one call."""

import os
import socket

from celery import shared_task

from coupons import bell, campaigns, reconcile
from coupons.drain import drain as drain_queue
from coupons.readiness import guard as openings
from coupons.store import store


def _consumer() -> str:
    """This process's name among the consumers of a queue."""
    return f"{socket.gethostname()}-{os.getpid()}"


@shared_task(name=bell.DRAIN)  # type: ignore[untyped-decorator]
def drain(slug: str) -> None:
    """Answer a bell. Safe to run twice, late, or in parallel."""
    if drain_queue(slug, consumer=_consumer()).left:
        bell.ring(slug)


@shared_task(name=bell.SWEEP)  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Every second: keep the campaigns' states up with the clock, ring for claims nobody heard."""
    campaigns.follow_the_clock()
    for slug, waiting in store().waiting(store().installed()).items():
        if waiting and store().ring(slug):
            bell.ring(slug)


@shared_task(name=bell.GUARD)  # type: ignore[untyped-decorator]
def guard() -> None:
    """Every ten seconds: warm up for the openings of the next ten minutes, hold red ones back."""
    openings.look()


@shared_task(name=bell.RECONCILE)  # type: ignore[untyped-decorator]
def compare_the_stores() -> None:
    """Every few seconds: is what was told stored or on its way? Mends what is safe to mend."""
    reconcile.look()
