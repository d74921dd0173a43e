"""`make run` refuses one port for two servers, in one sentence that names both settings, before
anything is started or written."""

from itertools import combinations

import pytest

from config.development import listen_ports
from config.development.process.errors import AskedWrongly
from config.development.process.ports import Ports
from tests.development.laptop import Laptop

NAMES = ("WEB_PORT", "FLOWER_PORT", "VALKEY_PORT", "CONSUMER_PORT", "OPERATORS_PORT",
         "MERCHANTS_PORT", "PAGES_PORT", "SHOP_PORT")  # fmt: skip


def test_one_port_for_two_doors_is_refused_before_anything_is_started(fresh_laptop: Laptop) -> None:
    fresh_laptop.ports["OPERATORS_PORT"] = fresh_laptop.ports["WEB_PORT"]
    command = fresh_laptop.start_run()
    assert command.exit_status() == 2
    (line,) = command.output_text.splitlines()
    assert line.startswith(
        f"WEB_PORT and OPERATORS_PORT are both port {fresh_laptop.ports['WEB_PORT']}"
    )
    assert not (fresh_laptop.folder / "var").exists()


@pytest.mark.parametrize(("one", "other"), list(combinations(NAMES, 2)))
def test_any_two_ports_that_are_equal_are_refused(
    one: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in enumerate(NAMES):
        monkeypatch.setenv(name, str(20_000 + number))
    monkeypatch.setenv(one, "21000")
    monkeypatch.setenv(other, "21000")
    with pytest.raises(AskedWrongly) as refused:
        listen_ports.ports_of_settings({})
    assert {one, other} <= set(str(refused.value).split())
    assert refused.value.status == 2


def test_a_default_counts_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    assert listen_ports.ports_of_settings({}) == Ports(
        8080, 5555, 6399, 8081, 8090, 8082, 8083, 8084
    )
    monkeypatch.setenv("WEB_PORT", "8090")
    with pytest.raises(AskedWrongly, match="WEB_PORT and OPERATORS_PORT are both port 8090"):
        listen_ports.ports_of_settings({})


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("REDIS_URL", "redis://127.0.0.1:8080/0"),
        ("REDIS_URL", "redis://:secret@localhost:8080"),
        ("CELERY_BROKER_URL", "redis://[::1]:8080/1"),
        ("DATABASE_URL", "mysql://u:p@127.0.0.1:8080/coupons"),
    ],
)
def test_a_store_on_the_port_of_a_door_is_refused(
    name: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_PORT", "8080")
    with pytest.raises(AskedWrongly, match=f"WEB_PORT and {name} are both port 8080") as refused:
        listen_ports.ports_of_settings({name: url})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "environment",
    [
        {"REDIS_URL": "redis://store.example:8080/0"},  # another machine's
        {"REDIS_URL": "redis://127.0.0.1:6399/0"},  # in place of the valkey of our own
        {"CELERY_BROKER_URL": "redis://127.0.0.1:6399/1"},  # which may be the broker, too
        {"REDIS_URL": "redis://127.0.0.1/0", "CELERY_BROKER_URL": "redis://127.0.0.1/1"},
        {"DATABASE_URL": "sqlite:////tmp/a.sqlite3", "REDIS_URL": "redis://store.example/0"},
    ],
)
def test_a_port_that_no_other_server_has_is_accepted(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    assert listen_ports.ports_of_settings(environment).web == 8080
