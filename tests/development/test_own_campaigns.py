"""`make run` shows only a campaign that it created itself, even if a name is already in use."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from config.development.django_side import campaign as shown
from coupons.campaigns import lifecycle
from coupons.models import Campaign

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_campaign_of_another_origin_is_never_shown(draft: Callable[..., Campaign]) -> None:
    now = timezone.now()
    for slug in ("opening-102417-635b", "opening-1", "load-opening-102417-635b"):
        draft(slug, opens_at=now - timedelta(minutes=1), closes_at=now + timedelta(hours=1))
        lifecycle.schedule_campaign(slug, actor="new_campaign")
    ours = shown.open_campaign("make run")
    assert ours.slug == "opening-2"
    assert shown.open_campaign("make run").slug == "opening-2"
