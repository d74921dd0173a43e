"""Keys of merchants' backends: verified by the database's clock, cached for seconds, told once."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from coupons.claims import timestamps
from coupons.database import clock
from coupons.errors import BadKey, Refused
from coupons.merchants import api_keys
from coupons.models import Merchant, MerchantKey
from tests.harness.another_process import another_process

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Merchant:
    return Merchant.objects.create(slug="shop", name="The shop")


def make(shop: Merchant, **more: Any) -> tuple[MerchantKey, str]:
    return api_keys.make_key(shop, name="backend", scopes=["redeem", "read"], **more)


def assert_refused(text: str) -> None:
    with pytest.raises(BadKey) as refusal:
        api_keys.verify_key(text)
    assert str(refusal.value) == api_keys.KEY_NEEDED


def set_expiry(key: MerchantKey, seconds: float) -> None:
    at = timestamps.moment_of(clock.now_ms()) + timedelta(seconds=seconds)
    MerchantKey.objects.filter(pk=key.pk).update(expiry_date=at)


def test_a_key_names_its_merchant_and_scopes(shop: Merchant) -> None:
    key, text = make(shop)
    caller = api_keys.verify_key(text)
    assert (caller.merchant_id, caller.merchant, caller.prefix) == (shop.pk, "shop", key.prefix)
    assert caller.scopes == {"read", "redeem"}
    assert text.startswith(f"cpk_live_{key.prefix}.")


def test_the_database_holds_no_key(shop: Merchant) -> None:
    key, text = make(shop)
    secret = text.partition(".")[2]
    row = MerchantKey.objects.filter(pk=key.pk).values().get()
    assert secret not in str(row)
    assert row["hashed_key"].startswith("sha512$$")


@pytest.mark.parametrize(
    "text",
    ["", "cpk_live_", "cpk_live_aaaaaaaa." + "b" * 32, "cpk_live_aaaaaaaa." + "b" * 33, "x" * 9999,
     "cpk_live_áaaaaaaa." + "b" * 32],
)  # fmt: skip
def test_a_text_that_is_no_key_is_refused(shop: Merchant, text: str) -> None:
    assert_refused(text)


def test_a_wrong_secret_of_a_cached_prefix_is_refused(shop: Merchant) -> None:
    _, text = make(shop)
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    assert_refused(wrong)
    assert api_keys.verify_key(text)
    assert_refused(wrong)
    assert api_keys.verify_key(text)


def test_a_wrong_secret_is_no_use_of_the_key(shop: Merchant) -> None:
    key, text = make(shop)
    assert_refused(text[:-1] + ("A" if text[-1] != "A" else "B"))
    key.refresh_from_db()
    assert key.last_used_at is None


def test_the_database_is_asked_once_in_five_seconds(shop: Merchant) -> None:
    _, text = make(shop)
    api_keys.verify_key(text)
    unknown = "cpk_live_aaaaaaaa." + "b" * 32
    assert_refused(unknown)
    with CaptureQueriesContext(connection) as asked:
        for _ in range(10):
            api_keys.verify_key(text)
            assert_refused(unknown)
    assert len(asked) == 0


def test_made_up_prefixes_fill_a_bounded_cache(
    shop: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "MOST_CACHED", 5)
    for number in range(12):
        assert_refused(f"cpk_live_aaaaaa{number:02}." + "b" * 32)
    assert len(api_keys._caches.current.unknown) <= 5


def test_a_revoked_key_is_refused_here_at_once_and_elsewhere_within_five_seconds(
    shop: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, text = make(shop)
    api_keys.verify_key(text)
    with another_process():
        api_keys.revoke_key(key.prefix)
        assert_refused(text)
    assert api_keys.verify_key(text), "of its cache: the control of what comes next"
    later = time.monotonic() + api_keys.CACHED_S
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert_refused(text)
    api_keys.revoke_key(key.prefix)  # safe to repeat


@pytest.mark.stores
def test_an_expired_key_is_refused_by_the_databases_clock(
    shop: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host whose clock is wrong by days accepts and refuses the same keys."""
    key, text = make(shop, days=1)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert api_keys.verify_key(text)
    set_expiry(key, -0.001)
    api_keys.forget_keys()
    assert_refused(text)


def test_a_key_is_cached_no_longer_than_it_is_valid(
    shop: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "CACHED_S", 6000)
    key, text = make(shop)
    set_expiry(key, 600)
    api_keys.verify_key(text)
    (known,) = api_keys._caches.current.known.values()
    assert known.until_s <= time.monotonic() + 600


@pytest.mark.parametrize(("days", "works"), [(0, False), (7, True)])
def test_a_rolled_key_works_for_the_overlap(shop: Merchant, days: int, works: bool) -> None:
    old, text = make(shop)
    api_keys.verify_key(text)
    successor, new_text = api_keys.roll_key(old.prefix, overlap_days=days)
    assert api_keys.verify_key(new_text).scopes == {"read", "redeem"}
    assert successor.expiry_date is None
    if works:
        assert api_keys.verify_key(text).prefix == old.prefix
    else:
        assert_refused(text)
    with pytest.raises(Refused):
        api_keys.roll_key(old.prefix, overlap_days=1)


@pytest.mark.parametrize("days", [-1, 8])
def test_an_overlap_is_at_most_a_week(shop: Merchant, days: int) -> None:
    key, _ = make(shop)
    with pytest.raises(ValidationError):
        api_keys.roll_key(key.prefix, overlap_days=days)


def test_rolling_lengthens_no_life(shop: Merchant) -> None:
    old, _ = make(shop, days=2)
    ends = MerchantKey.objects.get(pk=old.pk).expiry_date
    successor, _ = api_keys.roll_key(old.prefix, overlap_days=7)
    old.refresh_from_db()
    assert old.expiry_date == ends
    assert MerchantKey.objects.get(pk=successor.pk).expiry_date == ends


@pytest.mark.parametrize("scopes", [[], ["everything"], ["read", "admin"]])
def test_a_key_has_scopes_that_exist(shop: Merchant, scopes: list[str]) -> None:
    with pytest.raises(ValidationError):
        api_keys.make_key(shop, name="backend", scopes=scopes)
    assert not MerchantKey.objects.exists()


@pytest.mark.stores
def test_its_use_is_written_once_a_minute_by_all_processes(shop: Merchant) -> None:
    key, text = make(shop)
    api_keys.verify_key(text)
    key.refresh_from_db()
    first = key.last_used_at
    assert first is not None
    with another_process():
        api_keys.verify_key(text)
    key.refresh_from_db()
    assert key.last_used_at == first
    MerchantKey.objects.update(last_used_at=first - timedelta(minutes=2))
    api_keys.forget_keys()
    api_keys.verify_key(text)
    key.refresh_from_db()
    assert key.last_used_at is not None
    assert key.last_used_at >= first
