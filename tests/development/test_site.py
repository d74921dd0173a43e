"""The folder and the environment of everything that is started."""

from dataclasses import astuple, fields
from pathlib import Path

import pytest

from config.development import environment
from config.development.process import ports
from config.development.process.errors import Trouble
from config.development.process.ports import Ports

PORTS = Ports(web=1, flower=2, valkey=3, consumer=4, operators=5, merchants=6, pages=7, shop=8)


def test_without_settings_all_servers_are_embedded(tmp_path: Path) -> None:
    here = environment.make_site(tmp_path, PORTS, environment={})
    assert here.own_redis
    assert here.own_database
    assert here.env["REDIS_URL"] == here.env["CELERY_BROKER_URL"] == "redis://127.0.0.1:3/0"
    assert here.env["DATABASE_URL"] == f"sqlite:///{tmp_path}/coupons.sqlite3"


def test_given_servers_are_used_and_marked_as_not_ours(tmp_path: Path) -> None:
    given = {"REDIS_URL": "redis://there:1/0", "DATABASE_URL": "mysql://u:p@there/coupons"}
    here = environment.make_site(tmp_path, PORTS, environment=given)
    assert not here.own_redis
    assert not here.own_database
    assert given.items() <= here.env.items()


def test_tokens_are_signed_here_and_not_by_a_shop(tmp_path: Path) -> None:
    here = environment.make_site(
        tmp_path, PORTS, environment={"JWT_JWKS_FILE": "/keys", "LANG": "ko"}
    )
    assert "JWT_JWKS_FILE" not in here.env
    assert here.env["LANG"] == "ko"


def test_a_rehearsal_asks_this_sites_own_users_address(tmp_path: Path) -> None:
    given = {"WARM_UP_URLS": "https://coupons.example.com"}
    for environment_of in ({}, given):
        here = environment.make_site(tmp_path, PORTS, environment=environment_of)
        assert here.env["WARM_UP_URLS"] == here.web_url


def test_counters_of_ended_processes_are_deleted(tmp_path: Path) -> None:
    old = tmp_path / "prometheus" / "web" / "counter_1.db"
    old.parent.mkdir(parents=True)
    old.touch()
    environment.make_site(tmp_path, PORTS, environment={})
    assert not old.exists()


def test_web_and_worker_count_apart(tmp_path: Path) -> None:
    """In one folder, both the web's and the consumer's metrics page would export all counters."""
    here = environment.make_site(
        tmp_path, PORTS, environment={"PROMETHEUS_MULTIPROC_DIR": "/elsewhere"}
    )
    assert "PROMETHEUS_MULTIPROC_DIR" not in here.env
    folders = {here.counts(role)["PROMETHEUS_MULTIPROC_DIR"] for role in environment.ROLES}
    roles = ("web", "merchants", "pages", "operators", "worker", "webhooks")
    assert folders == {str(tmp_path / "prometheus" / role) for role in roles}
    assert all(Path(folder).is_dir() for folder in folders)


def test_other_users_can_not_read_our_processes_files(tmp_path: Path) -> None:
    exchange = environment.make_site(tmp_path, PORTS, environment={}).file("x").parent
    assert exchange.stat().st_mode & 0o077 == 0


def test_a_missing_driver_is_reported_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "find_spec", lambda name: None)
    environment.demand_driver({"DATABASE_URL": "sqlite:///x"})
    with pytest.raises(Trouble, match=r"pip install -r requirements/mysql\.txt"):
        environment.demand_driver({"DATABASE_URL": "mysql://u:p@there/coupons"})


def test_each_server_of_a_run_gets_a_port_of_its_own() -> None:
    chosen = astuple(ports.free_ports())
    assert len(set(chosen)) == len(chosen) == len(fields(Ports))
