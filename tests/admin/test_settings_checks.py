"""The system checks of settings, which ask no server: each one finds its fault."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection

from coupons.monitoring import server_checks, settings_checks
from tests.admin.findings import ids_with_hints


def test_our_own_settings_pass_all_checks(settings: Any) -> None:
    settings.PRODUCTION = False
    assert settings_checks.check_settings() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"broker_transport_options": {"socket_timeout": None}}, "E022"),
        ({"broker_transport_options": {"health_check_interval": 0}}, "E022"),
        ({"broker_transport_options": {"retry_on_timeout": False}}, "E022"),
        ({"broker_pool_acquire_timeout": None}, "E022"),
        ({"broker_transport_options": {"visibility_timeout": 40}}, "E023"),
        ({"task_soft_time_limit": 20}, "E023"),
        ({"task_acks_late": False}, "E024"),
        ({"task_reject_on_worker_lost": False}, "E024"),
        ({"worker_prefetch_multiplier": 4}, "E024"),
        ({"accept_content": ["json", "pickle"]}, "E025"),
        ({"result_backend": "redis://"}, "E025"),
        ({"worker_max_tasks_per_child": None}, "W023"),
        ({"worker_max_memory_per_child": None}, "W023"),
    ],
    ids=str,
)
def test_other_celery_settings_are_found(
    celery_says: Callable[..., None], settings: Any, changes: dict[str, Any], expected: str
) -> None:
    settings.PRODUCTION = False
    celery_says(**changes)
    assert ids_with_hints(settings_checks.check_settings()) == [f"coupons.{expected}"]


@pytest.mark.parametrize(
    ("name", "version", "expected"), [("celery", "5.6.3", "E020"), ("kombu", "5.4.2", "E021")]
)
def test_an_old_celery_is_found(
    monkeypatch: pytest.MonkeyPatch, settings: Any, name: str, version: str, expected: str
) -> None:
    settings.PRODUCTION = False
    monkeypatch.setattr(f"{name}.__version__", version)
    assert ids_with_hints(settings_checks.check_settings()) == [f"coupons.{expected}"]


def test_sigterm_remapped_is_found(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.PRODUCTION = False
    monkeypatch.setattr(settings_checks, "REMAP_SIGTERM", "SIGQUIT")
    assert ids_with_hints(settings_checks.check_settings()) == ["coupons.E026"]


def test_stores_that_are_waited_for_too_long_are_found(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.PRODUCTION, settings.REDIS_TIMEOUT_S, settings.DRAIN_BATCH = False, 5, 2000
    monkeypatch.setitem(connection.settings_dict, "CONN_HEALTH_CHECKS", False)
    options = connection.settings_dict["OPTIONS"] | {"read_timeout": 0}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    expected = ["coupons.W021", "coupons.W024", "coupons.E027", "coupons.E028"]
    if connection.vendor != "mysql":
        expected.remove("coupons.E027")
    assert ids_with_hints(settings_checks.check_settings()) == expected


def test_in_production_endpoints_are_apart_encrypted_and_not_to_be_commanded(
    monkeypatch: pytest.MonkeyPatch, settings: Any, celery_says: Callable[..., None]
) -> None:
    settings.PRODUCTION = True
    settings.REDIS_URL = "redis://cache.example:6379/0"
    settings.WEBHOOKS_LOOPBACK, settings.OPERATOR_TOTP = True, False
    celery_says(broker_url="redis://cache.example/1", worker_enable_remote_control=True)
    found = ids_with_hints(settings_checks.check_settings())
    plain = ["coupons.W025"] if connection.vendor == "mysql" else []
    webhooks, unencrypted = "coupons.E030", ["coupons.W026"] * 2
    totp = "coupons.W028"
    assert found == ["coupons.W020", "coupons.W022", webhooks, totp, *plain, *unencrypted]
    settings.WEBHOOKS_LOOPBACK, settings.OPERATOR_TOTP = False, True
    settings.REDIS_URL = "rediss://cache.example:6379/0?ssl_cert_reqs=required&ssl_ca_certs=/ca"
    celery_says(
        broker_url=settings.REDIS_URL.replace("cache", "broker"), worker_enable_remote_control=False
    )
    options = connection.settings_dict["OPTIONS"] | {
        "ssl_mode": "VERIFY_IDENTITY", "ssl": {"ca": "/ca"},
    }  # fmt: skip
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    assert settings_checks.check_settings() == []


def test_local_secrets_are_welcome_on_a_laptop_only(settings: Any) -> None:
    settings.SECRET_KEY = "local-only-" + "0" * 50
    settings.JWT_HS256_SECRET = "local-only-" + "2" * 40
    settings.COUPON_KEYS = {"local": bytes.fromhex("11" * 32)}
    settings.PRODUCTION = False
    assert server_checks.check_secrets() == []
    settings.PRODUCTION = True
    assert ids_with_hints(server_checks.check_secrets()) == [
        "coupons.E010",
        "coupons.E011",
        "coupons.E012",
    ]
    settings.SECRET_KEY = settings.JWT_HS256_SECRET = "R4nd0m-enough-for-a-test-0123456789"
    settings.COUPON_KEYS = {"k1": bytes(range(32))}
    assert server_checks.check_secrets() == []


def test_local_secrets_stop_every_command_in_production(settings: Any) -> None:
    settings.PRODUCTION = True
    with pytest.raises(SystemCheckError, match=r"coupons\.E012"):
        call_command("check")
