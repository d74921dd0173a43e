"""Fixtures of the admin's tests: operators with all rights or with read rights, and URLs."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coupons import store as store_module
from coupons.admin.login import lockout
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.limits import slot_id
from coupons.models import Campaign, Coupon
from coupons.store.login_failures import Limit
from tests.admin.logins import HASHER, RIGHT, CountingHasher
from tests.conftest import Settings

Owners = Callable[[CampaignSnapshot, list[str]], list[Coupon]]


@pytest.fixture
def operator_client(db: None) -> Client:
    """A client logged in as Mina, a superuser."""
    client = Client()
    client.force_login(User.objects.create_superuser("mina"))
    return client


@pytest.fixture
def read_only_client(db: None) -> Client:
    """A client logged in as Theo, who may view campaigns and change nothing."""
    theo = User.objects.create_user("theo", is_staff=True)
    theo.user_permissions.add(Permission.objects.get(codename="view_campaign"))
    client = Client()
    client.force_login(theo)
    return client


@pytest.fixture
def campaign_url() -> Callable[..., str]:
    """The URL of a campaign's page, or of one below it: `campaign_url("sale", "do", "pause")`."""

    def url_of(slug: str, below: str = "change", *arguments: object) -> str:
        pk = Campaign.objects.get(slug=slug).pk
        return reverse(f"admin:coupons_campaign_{below}", args=[pk, *arguments])

    return url_of


@pytest.fixture
def round_trips(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What was sent to Redis, one word per round trip."""
    sent: list[str] = []
    client: Any = store_module.store().client
    execute, pipeline = client.execute_command, client.pipeline

    def counted_command(*arguments: Any, **options: Any) -> Any:
        sent.append(str(arguments[0]))
        return execute(*arguments, **options)

    def counted_pipeline(*arguments: Any, **options: Any) -> Any:
        sent.append("pipeline")
        return pipeline(*arguments, **options)

    monkeypatch.setattr(client, "execute_command", counted_command)
    monkeypatch.setattr(client, "pipeline", counted_pipeline)
    yield sent


@pytest.fixture
def hand_out() -> Owners:
    """Store a coupon for each user, in order of their places."""

    def create_coupons(campaign: CampaignSnapshot, users: list[str]) -> list[Coupon]:
        now = timezone.now()
        return Coupon.objects.bulk_create(
            Coupon(
                slot_id=slot_id(campaign.id, place),
                campaign_id=campaign.id,
                place=place,
                user=user,
                nth=1,
                code=campaign.code_of(user=user, nth=1, place=place),
                admitted_at=now,
                stored_at=now,
                expires_at=now + timedelta(days=1),
            )
            for place, user in enumerate(users, 1)
        )

    return create_coupons


@pytest.fixture
def quick_hashes(settings: Settings) -> None:
    """Passwords are hashed with little work, and each hashing is counted."""
    settings.PASSWORD_HASHERS = [HASHER]


@pytest.fixture
def admin_user(quick_hashes: None, db: None) -> User:
    user = User.objects.create_superuser("admin", password=RIGHT)
    CountingHasher.reset_counts()
    return user


@pytest.fixture
def without_limits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Call it with limits that the test shall not reach."""

    def raise_limits(*limits: Limit) -> None:
        for limit in limits:
            monkeypatch.setitem(lockout.STRANGERS, limit, 10_000)

    return raise_limits


@pytest.fixture
def celery_says(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Change Celery's configuration for this test."""

    def set_celery_settings(**changes: Any) -> None:
        for name, value in changes.items():
            before = getattr(current_app.conf, name)
            merged = before | value if isinstance(value, dict) else value
            monkeypatch.setitem(current_app.conf, name, merged)

    return set_celery_settings
