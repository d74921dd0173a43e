"""A coupon that another transaction has locked for too long: 503 busy, and nothing is done."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.db import connection, transaction

from config import env
from coupons.models import Coupon, CouponEvent
from tests.coupons.api.merchant.conftest import Backend, backend, coupon, order

__all__ = ["backend", "coupon"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


@pytest.fixture
def other_session(backend: Backend) -> Any:
    """A second connection to the same database."""
    if connection.vendor != "mysql":
        pytest.skip("SQLite has no row locks")
    other = connection.copy()
    yield other
    other.close()


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k-1"}])
def test_a_locked_coupon_is_busy(
    backend: Backend, coupon: Coupon, other_session: Any, headers: dict[str, str]
) -> None:
    with other_session.cursor() as holder, connection.cursor() as own:
        own.execute("SET innodb_lock_wait_timeout=1")
        holder.execute("BEGIN")
        holder.execute("SELECT slot_id FROM coupons_coupon FOR UPDATE")
        busy = backend.post("redemptions", order(coupon), **headers)
        assert (busy.status_code, busy.json()["code"]) == (503, "busy")
        assert int(busy["Retry-After"]) >= 1
        holder.execute("ROLLBACK")
    assert not CouponEvent.objects.exists()
    assert backend.post("redemptions", order(coupon), **headers).status_code == 201


def test_a_reader_and_the_drain_do_not_wait_for_a_locked_coupon(
    backend: Backend, coupon: Coupon, other_session: Any
) -> None:
    with transaction.atomic():
        Coupon.objects.select_for_update().get(pk=coupon.pk)
        with other_session.cursor() as reader:
            reader.execute("SET innodb_lock_wait_timeout=1")
            reader.execute("SELECT COUNT(*) FROM coupons_coupon")
            assert reader.fetchone() == (1,)


@pytest.mark.parametrize(("door", "wait_s"), [("merchants", 1), ("users", 5), ("operators", 5)])
def test_the_merchants_door_waits_for_a_second(door: str, wait_s: int) -> None:
    code = "from config.settings import database; print(database.session_options(10))"
    output = subprocess.run(
        [sys.executable, "-c", code],
        cwd=env.BASE_DIR,
        env={**os.environ, "DOOR": door},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"innodb_lock_wait_timeout={wait_s}," in output
