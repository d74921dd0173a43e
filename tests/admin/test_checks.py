"""The system checks of servers: each finds its fault, and none crashes if the server is absent."""

import re
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import registry
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError, connection

from coupons.models import Coupon
from coupons.monitoring import server_checks
from coupons.store import Store, store
from tests.admin.findings import ids_with_hints
from tests.harness import servers

GOOD = {
    "sql_mode": "STRICT_TRANS_TABLES,NO_ZERO_DATE",
    "character_set_database": "utf8mb4",
    "innodb_flush_log_at_trx_commit": "1",
    "log_bin": "ON",
    "sync_binlog": "1",
    "transaction_isolation": "READ-COMMITTED",
}


@pytest.fixture
def restored_check_registry() -> Iterator[None]:
    """The registry of checks is restored after the test."""
    before = set(registry.registry.registered_checks)
    yield
    registry.registry.registered_checks.clear()
    registry.registry.registered_checks.update(before)


def test_a_plain_check_asks_no_server(
    redis_away: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_away()
    monkeypatch.setattr(server_checks, "_variables", lambda: pytest.fail("MySQL was asked"))
    output = StringIO()
    call_command("check", stdout=output, stderr=output)
    assert "no issues" in output.getvalue()


def test_the_tag_asks_the_servers(db: None, restored_check_registry: None) -> None:
    output = StringIO()
    call_command("check", tags=["stores"], stdout=output, stderr=output)
    assert "no issues" in output.getvalue()


def test_the_tag_fails_on_a_redis_that_may_forget(
    db: None, restored_check_registry: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgetful = ("--maxmemory-policy", "volatile-lru", "--appendonly", "no")
    with servers.start_redis(tmp_path, extra=forgetful) as url:
        other = Store(url, timeout_s=1, max_connections=2)
        monkeypatch.setattr(server_checks, "store", lambda: other)
        assert ids_with_hints(server_checks.check_redis()) == ["coupons.E001", "coupons.W002"]
        with pytest.raises(SystemCheckError, match=r"coupons\.E001"):
            call_command("check", tags=["stores"])


def test_an_absent_redis_is_a_warning(redis_away: Callable[[], None]) -> None:
    redis_away()
    assert ids_with_hints(server_checks.check_redis()) == ["coupons.W001"]


def test_our_own_servers_are_as_they_should_be(db: None) -> None:
    assert server_checks.check_redis() == []
    assert server_checks.check_mysql() == []
    assert server_checks.check_broker() == []
    assert server_checks.check_coupon_constraints() == []


def test_a_replica_that_no_admission_waits_for_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    info = {"maxmemory_policy": "noeviction", "aof_enabled": 1, "connected_slaves": 1}
    monkeypatch.setattr(store().server, "read_info", lambda: info)
    assert ids_with_hints(server_checks.check_redis()) == ["coupons.W007"]
    settings.REDIS_WAIT_REPLICAS = 1
    assert server_checks.check_redis() == []


def test_a_broker_that_may_evict_or_is_away_is_a_warning(
    tmp_path: Path, celery_says: Callable[..., None]
) -> None:
    with servers.start_redis(tmp_path, extra=("--maxmemory-policy", "allkeys-lru")) as url:
        celery_says(broker_url=url)
        assert ids_with_hints(server_checks.check_broker()) == ["coupons.W008"]
    assert ids_with_hints(server_checks.check_broker()) == ["coupons.W009"]


def test_tables_that_lost_a_constraint_are_found(transactional_db: None) -> None:
    if connection.vendor != "mysql":
        pytest.skip("SQLite makes the table anew, which it refuses within a test")
    one = next(each for each in Coupon._meta.constraints if each.name == "coupon_code_is_unique")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Coupon, one)
    try:
        assert ids_with_hints(server_checks.check_coupon_constraints()) == ["coupons.E004"]
    finally:
        with connection.schema_editor() as editor:
            editor.add_constraint(Coupon, one)


def test_names_of_operators_that_compare_loosely_are_found(transactional_db: None) -> None:
    assert server_checks.check_operator_names() == []
    if connection.vendor != "mysql":
        pytest.skip("SQLite compares byte by byte.")
    column = "ALTER TABLE auth_user MODIFY username varchar(150) CHARACTER SET utf8mb4 COLLATE"
    with connection.cursor() as cursor:
        cursor.execute(f"{column} utf8mb4_general_ci NOT NULL")
        try:
            assert ids_with_hints(server_checks.check_operator_names()) == ["coupons.W011"]
        finally:
            cursor.execute(f"{column} utf8mb4_bin NOT NULL")


# Checks that need no server


def test_every_check_stands_in_the_table() -> None:
    """And the table lists no other checks."""
    source = "".join(
        Path(f"coupons/monitoring/{kind}_checks.py").read_text() for kind in ("server", "settings")
    )
    numbers = {f"E{number:03}" for number in (10, 11, 12, 20, 21)}
    in_code = set(re.findall(r'id="coupons\.([EW]\d{3})"', source)) | numbers
    in_readme = set(re.findall(r"`([EW]\d{3})`", Path("config/README.md").read_text()))
    assert in_readme == in_code


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
def test_mysqls_session_variables_are_checked(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], expected: list[str]
) -> None:
    assert ids_with_hints(list(server_checks._mysql_messages(GOOD | wrong))) == expected


def test_mariadbs_older_name_of_the_isolation_level_is_read() -> None:
    older = {name: value for name, value in GOOD.items() if name != "transaction_isolation"}
    assert ids_with_hints(
        list(server_checks._mysql_messages(older | {"tx_isolation": "SERIALIZABLE"}))
    ) == ["coupons.W006"]


def test_the_session_of_a_loose_server_is_found(db: None) -> None:
    if connection.vendor != "mysql":
        pytest.skip("Only MySQL has a mode.")
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode=''")
        try:
            assert ids_with_hints(server_checks.check_mysql()) == ["coupons.E002"]
        finally:
            cursor.execute("SET SESSION sql_mode='TRADITIONAL'")


def test_an_absent_mysql_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_cannot_connect() -> dict[str, str]:
        raise OperationalError(2002, "Can't connect")

    monkeypatch.setattr(server_checks, "_variables", raise_cannot_connect)
    if connection.vendor == "mysql":
        assert ids_with_hints(server_checks.check_mysql()) == ["coupons.W003"]
