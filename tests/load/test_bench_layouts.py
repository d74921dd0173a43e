"""The layouts that the bench compares are real ones: each knows its claimants, and is measured."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench import claimant_layouts
from tests.bench.claimant_layouts import LAYOUTS, LaidOut, Layout
from tests.bench.redis_connection import RedisConnection
from tests.bench.sample_sizes import QUICK
from tests.harness import servers

STOCK = 400
IDS = [layout.name for layout in LAYOUTS]


@pytest.fixture(scope="module")
def bare_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisConnection]:
    with servers.start_redis(tmp_path_factory.mktemp("layouts")) as url:
        connection = RedisConnection(url)
        yield connection
        connection.close()


def claim_twice(bare_redis: RedisConnection, layout: Layout) -> tuple[list[list[object]], ...]:
    campaign, users = LaidOut(bare_redis, layout, STOCK), claimant_layouts.make_users(STOCK)
    return tuple(
        bare_redis.send_commands([campaign.claim_of(user) for user in users]) for _ in range(2)
    )


@pytest.mark.parametrize("layout", LAYOUTS, ids=IDS)
def test_every_claimant_is_admitted_once_and_keeps_the_place(
    bare_redis: RedisConnection, layout: Layout
) -> None:
    first, again = claim_twice(bare_redis, layout)
    assert [reply[:2] for reply in first] == [[b"admitted", place + 1] for place in range(STOCK)]
    assert [reply[0] for reply in again] == [b"already_claimed"] * STOCK
    kept = 2 if layout.keeps_moment else 1
    assert [reply[1 : 1 + kept] for reply in again] == [reply[1 : 1 + kept] for reply in first]


def test_a_layout_that_forgets_is_noticed(bare_redis: RedisConnection) -> None:
    """The control: without the line that keeps a claimant, no second claim is known."""
    _, again = claim_twice(bare_redis, replace(LAYOUTS[0], keep="local kept = nil"))
    assert {reply[0] for reply in again} == {b"sold_out"}


def test_a_changed_script_is_no_measurement(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    changed = tmp_path / "admit.lua"
    changed.write_text(claimant_layouts.ADMIT.read_text().replace("HGET", "HMGET"))
    monkeypatch.setattr(claimant_layouts, "ADMIT", changed)
    with pytest.raises(ValueError, match="in other words"):
        LAYOUTS[0].script()


def test_the_layouts_are_measured(tmp_path: Path) -> None:
    size = replace(QUICK, crowd=2_000, growth_rounds=2)
    program = shutil.which("redis-server") or "redis-server"
    for found in claimant_layouts.measure_layouts(tmp_path, size, program=program):
        assert 10 < found.bytes_per_claimant < 300, found
        assert found.us_small > 0 < found.us_crowded, found
