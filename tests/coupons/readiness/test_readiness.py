"""The readiness board: green on correct servers, and each fault is shown by its line."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.db import connection
from django.utils import timezone

from coupons.campaigns import lifecycle, slots, snapshot
from coupons.claims.limits import slot_id
from coupons.errors import UnknownCampaign
from coupons.models import Campaign
from coupons.readiness import board, host, redis, workers
from coupons.readiness.result import Light
from coupons.store import keys, store
from tests.coupons.readiness.conftest import Draft
from tests.harness import servers
from tests.harness.store_override import forget_store

pytestmark = pytest.mark.usefixtures("healthy_worker")

GATE = keys.campaign_keys("sale").gate


@pytest.fixture
def other_redis(tmp_path: Path, settings: Any) -> Iterator[Callable[..., None]]:
    """Call it with a server's options: starts that Redis, which decides from then on."""
    with ExitStack() as stack:

        def start_other_redis(*options: str) -> None:
            server = servers.start_redis(tmp_path / "redis", extra=options)
            settings.REDIS_URL = stack.enter_context(server)
            forget_store()

        yield start_other_redis
    forget_store()


def board_lights(slug: str = "sale") -> dict[str, Light]:
    return {line.name: line.light for line in board.readiness_board(slug).lines}


def board_faults(slug: str = "sale") -> dict[str, Light]:
    """Lines that are neither green nor grey; each must say what to do. Nobody has rehearsed."""
    fine = (Light.GREEN, Light.GREY)
    found = [line for line in board.readiness_board(slug).lines if line.light not in fine]
    for line in found:
        assert line.seen and line.do, line
    lights = {line.name: line.light for line in found}
    assert lights.pop("rehearsed") is Light.AMBER
    return lights


@pytest.mark.stores
def test_everything_is_green_on_servers_as_they_should_be(scheduled_sale: Campaign) -> None:
    assert board_faults() == {}
    assert list(board_lights()) == [
        "state", "coupon_keys", "both_stores", "keys", "drain", "slots", "clock", "memory",
        "eviction", "persistence", "replicas", "host_clocks", "broker", "canary", "beat", "durable",
        "time_zone", "connections",
        "token_keys", "disk", "certificate", "warm_up", "rehearsed",
    ]  # fmt: skip


def test_a_direct_campaign_is_not_asked_about_redis(draft: Draft) -> None:
    draft("sale", strategy="direct")
    lifecycle.schedule_campaign("sale", actor="Mina")
    assert not {"both_stores", "eviction", "broker"} & board_lights().keys()


def test_a_draft_is_ambers_and_no_red(draft: Draft) -> None:
    draft("sale")
    assert board_faults() == {"state": Light.AMBER, "both_stores": Light.AMBER}


def test_a_waitlist_that_nobody_serves_is_amber(draft: Draft) -> None:
    campaign = draft("sale", waitlist_limit=5, returns_to="pool")
    assert board_lights()["waitlist"] is Light.AMBER
    Campaign.objects.filter(pk=campaign.pk).update(returns_to="waitlist")
    assert "waitlist" not in board_lights()


def test_a_campaign_that_redis_lost_is_red(scheduled_sale: Campaign) -> None:
    store().client.delete(GATE)
    assert board_faults() == {"both_stores": Light.RED}


@pytest.mark.parametrize("field", ["stock", "opens", "closes", "paused", "longest", "epoch"])
def test_a_gate_with_other_values_is_red(scheduled_sale: Campaign, field: str) -> None:
    store().client.hset(GATE, field, 1)
    assert board_faults() == {"both_stores": Light.RED}


def test_other_terms_in_the_gate_are_red(scheduled_sale: Campaign) -> None:
    said = json.loads(store().client.hget(GATE, "facts") or b"{}")
    store().client.hset(GATE, "facts", json.dumps(said | {"per_user": 2}))
    assert board_faults() == {"both_stores": Light.RED}


@pytest.mark.stores
def test_a_missing_slot_is_red(scheduled_sale: Campaign) -> None:
    slots.slots_of(scheduled_sale).filter(id=slot_id(scheduled_sale.pk, 3)).delete()
    assert board_faults() == {"slots": Light.RED}


def test_a_lost_key_is_red(scheduled_sale: Campaign, settings: Any) -> None:
    known = snapshot.snapshot_of(scheduled_sale)
    settings.COUPON_KEYS = {"another": b"k" * 32}
    assert known.key_id not in settings.COUPON_KEYS
    assert board_lights()["coupon_keys"] is Light.RED


@pytest.mark.parametrize(
    ("off_s", "light"), [(0, Light.GREEN), (0.5, Light.AMBER), (-0.5, Light.AMBER), (5, Light.RED)]
)
def test_a_wrong_clock_is_reported(
    scheduled_sale: Campaign, monkeypatch: pytest.MonkeyPatch, off_s: float, light: Light
) -> None:
    ours = time.time
    monkeypatch.setattr(time, "time", lambda: ours() + off_s)
    assert redis.clock_line().light is light


def test_a_redis_too_small_for_the_stock_is_red(
    draft: Draft, other_redis: Callable[..., None]
) -> None:
    """Seven megabytes hold some 25,000 claims, waiting and remembered; not a hundred thousand."""
    other_redis("--maxmemory", "7mb")
    draft("small", stock=100, opens_at=timezone.now() + timedelta(minutes=5))
    lifecycle.schedule_campaign("small", actor="Mina")
    assert board_lights("small")["memory"] is Light.GREEN
    draft("large", stock=100_000, opens_at=timezone.now() + timedelta(minutes=5))
    lifecycle.schedule_campaign("large", actor="Mina")
    assert board_lights("small")["memory"] is Light.RED  # they share the server


def test_a_redis_that_may_evict_is_red_and_one_without_persistence_amber(
    draft: Draft, other_redis: Callable[..., None]
) -> None:
    other_redis("--maxmemory-policy", "allkeys-lru", "--appendonly", "no")
    store().wakeups.mark_canary()
    store().wakeups.mark_sweep()
    draft("sale")
    assert board_faults() | {"eviction": Light.RED, "persistence": Light.AMBER} == board_faults()


def test_a_log_that_can_not_be_written_is_red(scheduled_sale: Campaign) -> None:
    said = store().server.read_info() | {"aof_last_write_status": "err"}
    assert redis.persistence_line(said).light is Light.RED


def test_replicas_that_admissions_wait_for_must_be_there(
    scheduled_sale: Campaign, settings: Any, other_redis: Callable[..., None]
) -> None:
    settings.REDIS_WAIT_REPLICAS = 1
    assert redis.replicas_line(store().server.read_info()).light is Light.RED
    primary = store().client.connection_pool.connection_kwargs["port"]
    other_redis("--replicaof", f"127.0.0.1 {primary}")  # and this one must not decide
    assert redis.replicas_line(store().server.read_info()).light is Light.RED


def test_a_replica_far_behind_is_amber() -> None:
    behind = {"offset": 0, "state": "online", "lag": 9}
    said = {"role": "master", "master_repl_offset": 5_000_000, "slave0": behind}
    assert redis.replicas_line(said).light is Light.AMBER
    assert (
        redis.replicas_line(said | {"slave0": behind | {"offset": 4_999_999}}).light is Light.GREEN
    )


def test_redis_away_is_red_and_the_rest_is_still_asked(
    scheduled_sale: Campaign, redis_away: Any
) -> None:
    redis_away()
    found = board_faults()
    assert found["both_stores"] is found["redis"] is Light.RED
    assert board_lights()["durable"] is Light.GREEN


def test_a_broker_away_is_red(scheduled_sale: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = f"redis://127.0.0.1:{servers.free_port()}/0"
    monkeypatch.setattr(current_app.conf, "broker_write_url", nobody)
    assert board_faults() == {"broker": Light.RED}


@pytest.mark.parametrize(
    ("ago_s", "light"), [(5, Light.GREEN), (30, Light.AMBER), (90, Light.RED), (None, Light.RED)]
)
def test_a_worker_that_answers_no_wakeups_is_reported(ago_s: int | None, light: Light) -> None:
    if ago_s is None:
        store().client.delete(keys.CANARY)
    else:
        store().client.set(keys.CANARY, store().server.now_ms() - 1000 * ago_s)
    assert workers.canary_line().light is light


@pytest.mark.parametrize(
    ("ago_s", "light"), [(2, Light.GREEN), (15, Light.AMBER), (48, Light.RED), (None, Light.RED)]
)
def test_12_19_a_beat_that_no_longer_sweeps_is_reported(ago_s: int | None, light: Light) -> None:
    if ago_s is None:
        store().client.delete(keys.SWEPT)
    else:
        store().client.set(keys.SWEPT, store().server.now_ms() - 1000 * ago_s)
    line = workers.beat_line()
    assert line.light is light
    assert (f"{ago_s} s ago" in line.seen) == (ago_s is not None)


def test_more_connections_planned_than_there_are_is_red(
    scheduled_sale: Campaign, settings: Any
) -> None:
    if connection.vendor != "mysql":
        pytest.skip("a file has no limit of connections")
    settings.PLANNED_API_HOSTS = 100
    assert board_faults() == {"connections": Light.RED}


def test_keys_no_user_could_use_are_red(settings: Any, tmp_path: Path) -> None:
    for content in ("{}", '{"keys": []}', "no JSON"):
        settings.JWT_JWKS_FILE = str(tmp_path / "keys.json")
        Path(settings.JWT_JWKS_FILE).write_text(content)
        assert host.token_keys().light is Light.RED


def test_a_former_secret_is_named_until_it_is_removed(settings: Any) -> None:
    assert "former" not in host.token_keys().seen
    settings.JWT_HS256_PREVIOUS = ["a former secret of the shop " + "f" * 40]
    line = host.token_keys()
    assert (line.light, "1 former one is still" in line.seen) == (Light.GREEN, True)


def test_a_full_disk_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    total = 100 * 2**30
    for free, light in ((50, Light.GREEN), (5, Light.AMBER), (1, Light.RED)):
        usage = (total, total - free * 2**30, free * 2**30)
        monkeypatch.setattr(shutil, "disk_usage", lambda path, u=usage: _Usage(*u))
        assert host.disk_line().light is light


class _Usage:
    def __init__(self, total: int, used: int, free: int) -> None:
        self.total, self.used, self.free = total, used, free


def test_there_is_no_board_of_an_unknown_campaign(db: None) -> None:
    with pytest.raises(UnknownCampaign):
        board.readiness_board("nosuch")


# The command
