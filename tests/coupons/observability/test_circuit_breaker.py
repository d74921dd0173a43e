"""The breaker: when it opens, who may try, how soon it closes; and with it, a Redis that swallows
what it is sent costs one timeout and not one for each thread."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from prometheus_client import REGISTRY

from coupons.errors import StoreAway
from coupons.observability import metrics
from coupons.observability.circuit_breaker import IN_A_ROW, LONGEST_S, SHORTEST_S, Breaker
from coupons.store import Store
from tests.conftest import CampaignMaker
from tests.harness.proxy import ProxyRoute, start_proxy

SLOW_S = 0.15


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def fake_clock() -> Clock:
    return Clock()


@pytest.fixture
def broker_breaker(fake_clock: Clock) -> Breaker:
    return Breaker(
        metrics.Breaker.BROKER,
        away=StoreAway,
        is_no_reply=lambda error: isinstance(error, TimeoutError),
        error_reply=LookupError,
        slow_s=SLOW_S,
        clock=fake_clock,
    )


def test_one_slow_failure_opens_it(broker_breaker: Breaker) -> None:
    broker_breaker.failed(after_s=SLOW_S)
    assert broker_breaker.open
    assert broker_breaker.is_resting()
    assert not broker_breaker.may_try()


def test_quick_failures_open_it_only_in_a_row(broker_breaker: Breaker) -> None:
    for _ in range(3):
        for _ in range(IN_A_ROW - 1):
            broker_breaker.failed(after_s=0)
        assert not broker_breaker.open
        broker_breaker.succeeded()
    for _ in range(IN_A_ROW):
        broker_breaker.failed(after_s=0)
    assert broker_breaker.open


def test_one_caller_probes_while_the_others_are_still_refused_at_once(
    broker_breaker: Breaker, fake_clock: Clock
) -> None:
    broker_breaker.failed(after_s=1)
    fake_clock.now += SHORTEST_S
    assert not broker_breaker.is_resting()
    assert [broker_breaker.may_try() for _ in range(5)] == [True, False, False, False, False]
    assert broker_breaker.is_resting()


def test_a_caller_that_never_tells_does_not_keep_it_open_for_ever(
    broker_breaker: Breaker, fake_clock: Clock
) -> None:
    broker_breaker.failed(after_s=1)
    fake_clock.now += SHORTEST_S
    assert broker_breaker.may_try()
    fake_clock.now += 2 * SLOW_S
    assert broker_breaker.may_try()


def test_the_pauses_grow_to_a_bound_and_begin_anew_after_a_success(
    broker_breaker: Breaker, fake_clock: Clock
) -> None:
    def measure_pause() -> float:
        broker_breaker.failed(after_s=1)
        began = fake_clock.now
        while broker_breaker.is_resting():
            fake_clock.now += 0.01
        assert broker_breaker.may_try()
        return fake_clock.now - began

    pauses = [measure_pause() for _ in range(12)]
    assert 0.04 <= pauses[0] <= SHORTEST_S + 0.02
    assert 0.4 <= pauses[-1] <= LONGEST_S + 0.02
    broker_breaker.succeeded()
    assert not broker_breaker.open
    assert measure_pause() <= SHORTEST_S + 0.02


def test_its_state_is_a_metric(broker_breaker: Breaker, fake_clock: Clock) -> None:
    def metric_value(name: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"dependency": "broker"})

    before = metric_value("coupon_breaker_opened_total") or 0
    broker_breaker.failed(after_s=1)
    assert metric_value("coupon_breaker_open") == 1
    fake_clock.now += LONGEST_S
    broker_breaker.may_try()
    assert metric_value("coupon_breaker_open") == 0.5
    broker_breaker.failed(after_s=1)
    assert metric_value("coupon_breaker_open") == 1
    broker_breaker.succeeded()
    assert metric_value("coupon_breaker_open") == 0
    assert metric_value("coupon_breaker_opened_total") == before + 1


def raise_in_guard(breaker: Breaker, error: Exception) -> None:
    with pytest.raises(type(error)), breaker.guard():
        raise error


def is_open(breaker: Breaker) -> bool:
    """As a call, whose result mypy does not take for constant."""
    return breaker.open


def test_14_10_a_guard_reports_what_its_block_raised(
    broker_breaker: Breaker, fake_clock: Clock
) -> None:
    """No reply is a failure, an error reply a success; any other error says nothing."""
    for _ in range(2):
        raise_in_guard(broker_breaker, TimeoutError())
    raise_in_guard(
        broker_breaker, KeyError()
    )  # the server replied: the failures are in a row no longer
    for error in (TimeoutError(), ValueError({"unhashable": 1}), TimeoutError()):
        raise_in_guard(broker_breaker, error)
    assert not is_open(broker_breaker)
    raise_in_guard(broker_breaker, TimeoutError())  # the third: a ValueError ends no row
    assert is_open(broker_breaker)
    fake_clock.now += LONGEST_S
    raise_in_guard(broker_breaker, ValueError())
    assert is_open(broker_breaker)
    fake_clock.now += LONGEST_S
    with broker_breaker.guard():
        pass
    assert not is_open(broker_breaker)


def test_14_10_an_open_guard_runs_no_block_but_one_probe(
    broker_breaker: Breaker, fake_clock: Clock
) -> None:
    with pytest.raises(TimeoutError), broker_breaker.guard():
        fake_clock.now += 2 * SLOW_S
        raise TimeoutError
    with pytest.raises(StoreAway, match="breaker is open"), broker_breaker.guard():
        pytest.fail("a call was made")
    fake_clock.now += LONGEST_S
    with broker_breaker.guard(), pytest.raises(StoreAway), broker_breaker.guard():
        pytest.fail("a second probe was made")
    assert not is_open(broker_breaker)


# With a Redis behind a misbehaving proxy


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
        said = store.admit("sale", user=user, nth=1, per_user=1, filter_blocks=1).outcome
    except StoreAway:
        said = "away"
    return said, time.monotonic() - began


def claim_in_threads(store: Store, count: int) -> list[tuple[str, float]]:
    with ThreadPoolExecutor(16) as threads:
        return list(threads.map(lambda n: claim_and_time(store, f"user-{n}"), range(count)))


def test_a_silent_redis_holds_few_for_one_timeout_and_the_rest_not_at_all(
    open_campaign: CampaignMaker, redis_proxy: ProxyRoute
) -> None:
    """With a timeout so long that a busy machine's own pauses are small beside it."""
    open_campaign(stock=1000)
    store = store_behind(redis_proxy, timeout_s=3)
    assert claim_and_time(store, "jun")[0] == "admitted"
    redis_proxy.switch_to("hole")
    answers = claim_in_threads(store, 2000)
    assert {said for said, _ in answers} == {"away"}
    waited = sorted(seconds for _, seconds in answers)
    assert waited[-1] < 5.5, "nobody waits for a second timeout behind the first"
    assert waited[int(0.98 * len(waited))] < 1


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


def test_it_is_back_within_two_seconds_of_its_return(
    open_campaign: CampaignMaker, redis_proxy: ProxyRoute
) -> None:
    open_campaign(stock=1000)
    store = store_behind(redis_proxy)
    claim_and_time(store, "jun")
    redis_proxy.switch_to("hole")
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert claim_and_time(store, "sora")[0] == "away"
        time.sleep(0.01)
    redis_proxy.switch_to("pass")
    back = time.monotonic()
    while claim_and_time(store, "sora")[0] == "away":
        assert time.monotonic() < back + 2
        time.sleep(0.01)


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
    store = store_behind(redis_proxy)
    store.client.config_set("maxmemory", 1)
    try:
        assert [claim_and_time(store, "jun")[0] for _ in range(5)] == ["away"] * 5
        assert not store.breaker.open
    finally:
        store.client.config_set("maxmemory", 0)
