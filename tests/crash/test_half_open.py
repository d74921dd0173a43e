"""A client that disappears in the middle of a transaction: its locks are released."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import MySQLdb
import pytest
from django.db import connection

from config.settings.database import session_options
from coupons.models import Slot
from tests.harness.proxy import start_proxy

LOCK = "SELECT id FROM coupons_slot WHERE id = 1 FOR UPDATE"


@contextmanager
def connect_session(port: int, first: str) -> Iterator[Any]:
    settings = connection.settings_dict
    client = MySQLdb.connect(host="127.0.0.1", port=port, user=settings["USER"], init_command=first,
                             password=settings["PASSWORD"], database=settings["NAME"])  # fmt: skip
    try:
        yield client.cursor()
    finally:
        client.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ours", [True, False], ids=["our session", "negative control: a default"])
def test_the_locks_of_a_client_that_vanished_are_let_go(tmp_path: Path, ours: bool) -> None:
    if connection.vendor != "mysql":
        pytest.skip("a file has no sessions")
    Slot.objects.create(id=1)
    behind = int(connection.settings_dict["PORT"])
    first = session_options(1) if ours else "SET innodb_lock_wait_timeout=1"
    # By default a session is kept for eight hours; ours is ended after three seconds.
    patience_s = 60 if ours else 6
    with (
        start_proxy({"database": behind}, tmp_path / "log") as routes,
        connect_session(routes["database"].port, first) as vanishing,
        connect_session(behind, f"SET innodb_lock_wait_timeout={patience_s}") as other,
    ):
        vanishing.execute("BEGIN")
        vanishing.execute(LOCK)
        routes["database"].switch_to("half-open")
        if ours:
            assert other.execute(LOCK) == 1
        else:
            with pytest.raises(MySQLdb.OperationalError, match="Lock wait timeout"):
                other.execute(LOCK)
