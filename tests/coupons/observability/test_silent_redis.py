"""A Redis that does not answer costs one timeout, not one for each thread: the breaker of the
store, with a real Redis behind a misbehaving proxy."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from coupons.errors import StoreAway
from coupons.observability import circuit_breaker
from coupons.store import Store
from tests.config.waiting import wait_until
from tests.conftest import CampaignMaker
from tests.harness.proxy import ProxyRoute, start_proxy


@pytest.fixture
def redis_proxy(settings: Any, tmp_path: Path) -> Iterator[ProxyRoute]:
    address = urlsplit(settings.REDIS_URL)
    with start_proxy({"redis": address.port or 0}, tmp_path / "proxy.log") as routes:
        yield routes["redis"]


def store_behind(route: ProxyRoute, *, timeout_s: float = 0.3) -> Store:
    return Store(f"redis://127.0.0.1:{route.port}/0", timeout_s=timeout_s, max_connections=8)


def claim_and_time(store: Store, user: str) -> tuple[str, float]:
    """(outcome or "away", seconds) of a claim."""
    began = time.monotonic()
    try:
        said = store.admission.admit("sale", user=user, nth=1, per_user=1, filter_blocks=1).outcome
    except StoreAway:
        said = "away"
    return said, time.monotonic() - began


def claim_in_threads(store: Store, count: int) -> list[tuple[str, float]]:
    with ThreadPoolExecutor(16) as threads:
        return list(threads.map(lambda n: claim_and_time(store, f"user-{n}"), range(count)))


def test_a_silent_redis_holds_few_for_one_timeout_and_the_rest_not_at_all(
    open_campaign: CampaignMaker, redis_proxy: ProxyRoute, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a timeout so long that a busy machine's own pauses are small beside it. Nobody probes:
    on such a machine that would be one who has waited already."""
    for pause in ("SHORTEST_S", "LONGEST_S"):
        monkeypatch.setattr(circuit_breaker, pause, 600.0)
    open_campaign(stock=1000)
    store = store_behind(redis_proxy, timeout_s=8)
    assert claim_and_time(store, "jun")[0] == "admitted"
    redis_proxy.switch_to("hole")
    answers = claim_in_threads(store, 2000)
    assert {said for said, _ in answers} == {"away"}
    waited = sorted(seconds for _, seconds in answers)
    assert waited[-1] < 15, "nobody waits for a second timeout behind the first"
    assert waited[int(0.98 * len(waited))] < 5


def test_each_claim_is_sent_at_most_once_and_most_not_at_all(
    open_campaign: CampaignMaker, redis_proxy: ProxyRoute
) -> None:
    open_campaign(stock=1000)
    store = store_behind(redis_proxy)
    claim_and_time(store, "jun")
    redis_proxy.switch_to("hole")
    before = redis_proxy.count_bytes()
    claim_and_time(store, "sora")
    one = redis_proxy.count_bytes() - before
    assert one > 0
    claim_in_threads(store, 500)
    assert redis_proxy.count_bytes() - before < 40 * one


def test_it_is_asked_every_second_and_so_is_back_with_its_return(
    open_campaign: CampaignMaker, redis_proxy: ProxyRoute
) -> None:
    """By the pauses between its tries: how long the last one takes is this machine's affair."""
    open_campaign(stock=1000)
    store = store_behind(redis_proxy)
    claim_and_time(store, "jun")
    redis_proxy.switch_to("hole")
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert claim_and_time(store, "sora")[0] == "away"
        assert store.breaker._next_try - time.monotonic() <= circuit_breaker.LONGEST_S == 1
        time.sleep(0.01)
    redis_proxy.switch_to("pass")
    wait_until(lambda: claim_and_time(store, "sora")[0] != "away")


def test_without_it_everybody_waits_the_whole_time(
    open_campaign: CampaignMaker, redis_proxy: ProxyRoute, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    open_campaign(stock=1000)
    store = store_behind(redis_proxy)
    monkeypatch.setattr(store.breaker, "failed", lambda **_: None)
    claim_and_time(store, "jun")
    redis_proxy.switch_to("hole")
    waited = sorted(seconds for _, seconds in claim_in_threads(store, 32))
    assert waited[len(waited) // 2] > 0.25


def test_a_refusal_of_the_server_is_an_answer(
    open_campaign: CampaignMaker, redis_proxy: ProxyRoute
) -> None:
    open_campaign()
    store = store_behind(redis_proxy, timeout_s=5)
    store.client.config_set("maxmemory", 1)
    try:
        assert [claim_and_time(store, "jun")[0] for _ in range(5)] == ["away"] * 5
        assert not store.breaker.open
    finally:
        store.client.config_set("maxmemory", 0)
