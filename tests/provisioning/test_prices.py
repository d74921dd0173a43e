"""The price table, written from AWS' Price List (issue 14, part 10)."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from provisioning import cli, prices
from provisioning.__main__ import run_command
from provisioning.price_table import price_rows, with_prices
from tests.provisioning import price_list

pytestmark = pytest.mark.slow


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the repository's table, in its place."""
    copy = Path(shutil.copy(prices.TABLE, tmp_path / "prices.toml"))
    monkeypatch.setattr(prices, "TABLE", copy)
    prices.load_prices.cache_clear()
    yield copy
    prices.load_prices.cache_clear()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, hello_rig: Any) -> None:
    monkeypatch.setattr(cli, "connect_cloud", lambda *_, **__: hello_rig.cloud)


def flat(document: Any) -> dict[tuple[str, str], float]:
    return {
        (section, name): row["hourly"] if isinstance(row, dict) else row
        for section, rows in document.items()
        if isinstance(rows, dict)
        for name, row in rows.items()
    }


def test_14_10_every_price_is_written_with_date_and_source(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tomllib.loads(table.read_text())
    status = run_command(["prices", "--env", "hello", "--output", "json"])
    answer, after = json.loads(capsys.readouterr().out), tomllib.loads(table.read_text())
    written = flat(after)
    assert written.keys() == flat(before).keys()
    assert {name: row["arch"] for name, row in after["ec2"].items()} == {
        name: row["arch"] for name, row in before["ec2"].items()
    }
    for number, size in enumerate(price_list.EC2, start=1):
        assert written["ec2", size] == number / 100
    for number, size in enumerate(price_list.CACHE, start=1):
        assert written["cache", size] == number / 10
    for number, size in enumerate(price_list.DB, start=1):
        assert written["db", size] == number / 5
    assert after["hourly"] | {"mysql80_vcpu": 0} == {
        "nat": 0.061, "balancer": 0.0226, "balancer_unit": 0.0081, "public_address": 0.0051,
        "mysql80_vcpu": 0,
    }  # fmt: skip
    assert after["monthly"] == {
        "ebs_gp3_gb": 0.0913, "db_gp3_gb": 0.132, "alarm": 0.11, "metric": 0.31,
        "dashboard": 3.1,
        "log_gb": before["monthly"]["log_gb"],
    }  # fmt: skip
    older = ["hourly/mysql80_vcpu", "monthly/log_gb"]
    assert status == 1, "not in the list; twice in the list"
    assert after["hourly"]["mysql80_vcpu"] == before["hourly"]["mysql80_vcpu"]
    assert after["source"] == f"AWS Price List, on demand; older: {', '.join(older)}"
    assert [item for item, price in answer["prices_usd"].items() if price is None] == older
    assert (after["region"], after["hours"]) == ("ap-northeast-2", 730)
    assert after["as_of"] == answer["as_of"] == f"{datetime.now(UTC):%Y-%m-%d}"


def test_14_10_a_plan_reckons_with_what_was_written(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_command(["prices", "--env", "hello", "--output", "json"])
    capsys.readouterr()
    assert run_command(["plan", "--env", "hello", "--output", "json"]) == 2
    cost = json.loads(capsys.readouterr().out)["cost"]
    assert cost["source"].startswith("AWS Price List")
    assert f"{datetime.now(UTC):%Y}" in cost["as_of"]


def test_14_10_a_list_without_our_region_changes_nothing(
    table: Path, hello_rig: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = table.read_bytes()
    monkeypatch.setattr(hello_rig.cloud, "region", "mars-north-1")
    assert run_command(["prices", "--env", "hello"]) == 1
    assert "none of the table's prices" in capsys.readouterr().err
    assert table.read_bytes() == before


def test_14_10_a_killed_write_leaves_the_old_table(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = table.read_bytes()

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    assert run_command(["prices", "--env", "hello"]) == 130
    assert table.read_bytes() == before
    assert [file.name for file in table.parent.iterdir() if file.name.startswith("tmp")] == []


@pytest.mark.parametrize("price", [0.0104, 1.0, 0.00000123, 1234.5, 3])
def test_14_10_a_price_is_written_so_that_it_is_read_again(price: float) -> None:
    text = prices.TABLE.read_text()
    rows = price_rows(text)
    assert len(rows) == len(flat(tomllib.loads(text)))
    written = with_prices(text, dict.fromkeys(rows, price), {"source": "x"})
    assert set(flat(tomllib.loads(written)).values()) == {price}
    assert len(written.splitlines()) == len(text.splitlines())
