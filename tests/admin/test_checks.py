"""The system checks: each is seen to find what it is for, and none crashes on an absent server."""

from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import registry
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError, connection

from coupons import checks
from coupons.store import Store
from tests import servers

GOOD = {
    "sql_mode": "STRICT_TRANS_TABLES,NO_ZERO_DATE",
    "character_set_database": "utf8mb4",
    "innodb_flush_log_at_trx_commit": "1",
    "log_bin": "ON",
    "sync_binlog": "1",
    "transaction_isolation": "READ-COMMITTED",
}


def ids(found: list[Any]) -> list[str]:
    for message in found:
        assert message.hint, f"{message.id} says what is wrong and not what to do"
    return [message.id for message in found]


@pytest.fixture
def registered() -> Iterator[None]:
    """The registry as it was."""
    before = set(registry.registry.registered_checks)
    yield
    registry.registry.registered_checks.clear()
    registry.registry.registered_checks.update(before)


def test_a_plain_check_asks_no_server(
    redis_away: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_away()
    monkeypatch.setattr(checks, "_variables", lambda: pytest.fail("MySQL was asked"))
    said = StringIO()
    call_command("check", stdout=said, stderr=said)
    assert "no issues" in said.getvalue()


def test_the_tag_asks_the_servers(db: None, registered: None) -> None:
    said = StringIO()
    call_command("check", tags=["stores"], stdout=said, stderr=said)
    assert "no issues" in said.getvalue()


def test_the_tag_fails_on_a_redis_that_may_forget(
    db: None, registered: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgetful = ("--maxmemory-policy", "volatile-lru", "--appendonly", "no")
    with servers.redis(tmp_path, extra=forgetful) as url:
        other = Store(url, timeout_s=1, max_connections=2)
        monkeypatch.setattr(checks, "store", lambda: other)
        assert ids(checks.redis_keeps_what_it_decides()) == ["coupons.E001", "coupons.W002"]
        with pytest.raises(SystemCheckError, match=r"coupons\.E001"):
            call_command("check", tags=["stores"])


def test_an_absent_redis_is_a_warning(redis_away: Callable[[], None]) -> None:
    redis_away()
    assert ids(checks.redis_keeps_what_it_decides()) == ["coupons.W001"]


def test_our_own_servers_are_as_they_should_be(db: None) -> None:
    assert checks.redis_keeps_what_it_decides() == []
    assert checks.mysql_keeps_what_it_commits() == []


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({}, []),
        ({"sql_mode": ""}, ["coupons.E002"]),
        ({"sql_mode": "NO_ZERO_DATE"}, ["coupons.E002"]),
        ({"sql_mode": "STRICT_ALL_TABLES"}, []),
        ({"character_set_database": "latin1"}, ["coupons.E003"]),
        ({"innodb_flush_log_at_trx_commit": "2"}, ["coupons.W004"]),
        ({"sync_binlog": "0"}, ["coupons.W005"]),
        ({"sync_binlog": "0", "log_bin": "OFF"}, []),
        ({"transaction_isolation": "REPEATABLE-READ"}, ["coupons.W006"]),
    ],
)
def test_it_judges_what_mysql_says(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], expected: list[str]
) -> None:
    assert ids(list(checks._judge(GOOD | wrong))) == expected


def test_mariadb_says_its_isolation_under_an_older_name() -> None:
    older = {name: value for name, value in GOOD.items() if name != "transaction_isolation"}
    assert ids(list(checks._judge(older | {"tx_isolation": "SERIALIZABLE"}))) == ["coupons.W006"]


def test_the_session_of_a_loose_server_is_found(db: None) -> None:
    if connection.vendor != "mysql":
        pytest.skip("Only MySQL has a mode.")
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode=''")
        try:
            assert ids(checks.mysql_keeps_what_it_commits()) == ["coupons.E002"]
        finally:
            cursor.execute("SET SESSION sql_mode='TRADITIONAL'")


def test_an_absent_mysql_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> dict[str, str]:
        raise OperationalError(2002, "Can't connect")

    monkeypatch.setattr(checks, "_variables", away)
    if connection.vendor == "mysql":
        assert ids(checks.mysql_keeps_what_it_commits()) == ["coupons.W003"]


def test_local_secrets_are_welcome_on_a_laptop_only(settings: Any) -> None:
    settings.SECRET_KEY = "local-only-" + "0" * 50
    settings.JWT_HS256_SECRET = "local-only-" + "2" * 40
    settings.COUPON_KEYS = {"local": bytes.fromhex("11" * 32)}
    settings.PRODUCTION = False
    assert checks.secrets_are_secret() == []
    settings.PRODUCTION = True
    assert ids(checks.secrets_are_secret()) == ["coupons.E010", "coupons.E011", "coupons.E012"]
    settings.SECRET_KEY = settings.JWT_HS256_SECRET = "R4nd0m-enough-for-a-test-0123456789"
    settings.COUPON_KEYS = {"k1": bytes(range(32))}
    assert checks.secrets_are_secret() == []


def test_local_secrets_stop_every_command_in_production(settings: Any) -> None:
    settings.PRODUCTION = True
    with pytest.raises(SystemCheckError, match=r"coupons\.E012"):
        call_command("check")
