"""Liveness, readiness and metrics, as balancer and Prometheus ask: by IP address, without TLS."""

# Here each request checks again; `test_doors.py` asks real processes, which cache the result.

import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client

import coupons
from config import probes
from config.dependency_watch import DependencyWatch, Seen
from coupons.campaigns import lifecycle
from coupons.store import keys, store
from tests.conftest import CampaignMaker, Person
from tests.harness.servers import free_port
from tests.harness.store_override import forget_store

READY = {"ready": True, "redis": True, "database": True, "doors": True, "sweeps": True}


class Unremembering(DependencyWatch):
    def seen(self) -> Seen:
        return self.check_now()


@pytest.fixture(autouse=True)
def looks_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    watch = Unremembering()
    monkeypatch.setattr(probes, "dependency_watch", lambda: watch)
    store().wakeups.mark_sweep()
    yield
    watch.close()


@pytest.fixture
def absent_redis(settings: Any) -> Iterator[None]:
    """REDIS_URL names a port on which no server listens."""
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    forget_store()
    yield
    forget_store()


def get_json(path: str, **extra: Any) -> tuple[int, Any]:
    response = Client().get(path, **extra)
    return response.status_code, response.json()


@pytest.mark.django_db(transaction=True)
def test_a_closed_watch_leaves_no_connection_and_no_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed_in: list[str] = []
    close = BaseDatabaseWrapper.close

    def close_and_note(self: BaseDatabaseWrapper) -> None:
        closed_in.append(threading.current_thread().name)
        close(self)

    watch = DependencyWatch()
    assert watch.check_now().database
    monkeypatch.setattr(BaseDatabaseWrapper, "close", close_and_note)
    watch.close()
    [name] = [name for name in closed_in if name.startswith("database-probe")]
    assert name not in {thread.name for thread in threading.enumerate()}


@pytest.mark.django_db(transaction=True)
def test_a_host_with_both_stores_is_ready() -> None:
    assert get_json("/readyz") == (200, READY)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("absent_redis")
def test_without_redis_a_host_is_live_and_not_ready() -> None:
    assert get_json("/readyz") == (503, READY | {"ready": False, "redis": False, "sweeps": False})
    assert get_json("/livez") == (200, {"live": True, "version": coupons.__version__})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mark", [None, 48, "?"])
def test_12_19_without_beat_it_stays_ready_and_says_so(mark: int | str | None) -> None:
    """If it were unready, the balancer would take all hosts out of service while they can admit."""
    client: Any = store().client
    client.delete(keys.SWEPT)
    if mark is not None:
        client.set(
            keys.SWEPT, store().server.now_ms() - 1000 * mark if isinstance(mark, int) else mark
        )
    assert get_json("/readyz") == (200, READY | {"sweeps": False})


@pytest.mark.django_db(transaction=True)
def test_a_draining_host_is_live_and_not_ready(settings: Any, tmp_path: Path) -> None:
    settings.DRAINING_FILE = str(tmp_path / "draining")
    assert get_json("/readyz")[0] == 200
    (tmp_path / "draining").touch()
    assert get_json("/readyz") == (503, {"ready": False, "draining": True})
    assert get_json("/livez") == (200, {"live": True, "version": coupons.__version__})


@pytest.fixture
def mysql_port(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Call it with the port on which the application shall connect to MySQL."""
    if connection.vendor != "mysql":
        pytest.skip("a file has no port")
    connection.close()
    yield lambda port: monkeypatch.setitem(connection.settings_dict, "PORT", port)
    monkeypatch.undo()


def test_without_mysql_it_stays_ready_and_says_so(mysql_port: Any) -> None:
    mysql_port(free_port())
    assert get_json("/readyz") == (200, READY | {"database": False})


def test_a_mysql_that_hangs_does_not_make_the_answer_hang(mysql_port: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mysql_port(silent.getsockname()[1])
        began = time.monotonic()
        assert get_json("/readyz") == (
            200,
            READY | {"database": False},
        )
        assert time.monotonic() - began < 60  # for as long as the silent server likes, otherwise


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_a_balancer_may_call_us_by_an_address_and_without_tls(path: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["coupons.example"]
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get(path, headers={"Host": "10.0.1.17:8080"}).status_code == 200
    assert Client().get("/admin/", headers={"Host": "10.0.1.17:8080"}).status_code == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_probes_accept_get_and_head_only(path: str, method: str) -> None:
    answer = Client().generic(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_asked_by_head_they_answer_without_a_body(path: str) -> None:
    answer = Client().head(path)
    assert (answer.status_code, answer.content) == (200, b"")


def exported_claims(**labels: str) -> float:
    """The value of `coupon_claims_total` in /metrics."""
    page = Client().get("/metrics").content.decode()
    wanted = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
    found = re.search(rf"^coupon_claims_total{{{wanted}}} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_claims_are_counted_by_campaign_and_outcome(open_campaign: CampaignMaker) -> None:
    open_campaign(stock=1)
    outcomes = ("admitted", "already_claimed", "sold_out", "paused")
    before = [exported_claims(campaign="sale", outcome=outcome) for outcome in outcomes]
    for name in ("jun", "jun", "jun", "sora"):
        Person(name).claims()
    lifecycle.pause_campaign("sale", actor="Mina")
    Person("hana").claims()
    after = [exported_claims(campaign="sale", outcome=outcome) for outcome in outcomes]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 2, 1, 1]


def test_failures_are_counted_by_their_code(open_campaign: CampaignMaker) -> None:
    open_campaign()
    before = exported_claims(campaign="sale", outcome="closed_for_repair")
    store().client.flushall()
    Person("jun").claims()
    assert exported_claims(campaign="sale", outcome="closed_for_repair") == before + 1


def test_no_user_and_no_made_up_name_becomes_a_label(open_campaign: CampaignMaker) -> None:
    open_campaign()
    Person("jun-the-one-and-only").claims()
    Person("jun").claims("made-up-name")
    page = Client().get("/metrics").content.decode()
    assert "jun-the-one-and-only" not in page
    assert "made-up-name" not in page
