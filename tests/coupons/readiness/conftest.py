"""A campaign that opens soon, and a healthy worker."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from coupons.campaigns import lifecycle
from coupons.models import Campaign
from coupons.store import store

Draft = Callable[..., Campaign]


@pytest.fixture
def healthy_worker() -> None:
    """A worker answered a wake-up just now."""
    store().wakeups.mark_canary()
    store().wakeups.mark_sweep()


@pytest.fixture
def scheduled_sale(draft: Draft) -> Campaign:
    """A campaign that opens in five minutes, in MySQL and in Redis."""
    now = timezone.now()
    draft("sale", opens_at=now + timedelta(minutes=5), closes_at=now + timedelta(hours=1))
    return lifecycle.schedule_campaign("sale", actor="Mina")
