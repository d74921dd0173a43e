"""The breaker: when it opens, who may try, how soon it closes; and with it, a Redis that swallows
what it is sent costs one timeout and not one for each thread."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from prometheus_client import REGISTRY

from coupons.errors import StoreAway
from coupons.observability import metrics
from coupons.observability.circuit_breaker import IN_A_ROW, LONGEST_S, SHORTEST_S, Breaker
from coupons.store import Store
from tests.conftest import CampaignMaker
from tests.proxy import Proxy, proxy

SLOW_S = 0.15


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(
        metrics.Breaker.BROKER,
        away=StoreAway,
        is_no_reply=lambda error: isinstance(error, TimeoutError),
        error_reply=LookupError,
        slow_s=SLOW_S,
        clock=clock,
    )


def test_one_slow_failure_opens_it(breaker: Breaker) -> None:
    breaker.failed(after_s=SLOW_S)
    assert breaker.open
    assert breaker.is_resting()
    assert not breaker.may_try()


def test_quick_failures_open_it_only_in_a_row(breaker: Breaker) -> None:
    for _ in range(3):
        for _ in range(IN_A_ROW - 1):
            breaker.failed(after_s=0)
        assert not breaker.open
        breaker.succeeded()
    for _ in range(IN_A_ROW):
        breaker.failed(after_s=0)
    assert breaker.open


def test_one_caller_tries_while_the_others_are_still_told_at_once(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.failed(after_s=1)
    clock.now += SHORTEST_S
    assert not breaker.is_resting()
    assert [breaker.may_try() for _ in range(5)] == [True, False, False, False, False]
    assert breaker.is_resting()


def test_a_caller_that_never_tells_does_not_keep_it_open_for_ever(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.failed(after_s=1)
    clock.now += SHORTEST_S
    assert breaker.may_try()
    clock.now += 2 * SLOW_S
    assert breaker.may_try()


def test_the_pauses_grow_to_a_bound_and_begin_anew_after_a_success(
    breaker: Breaker, clock: Clock
) -> None:
    def pause() -> float:
        breaker.failed(after_s=1)
        began = clock.now
        while breaker.is_resting():
            clock.now += 0.01
        assert breaker.may_try()
        return clock.now - began

    pauses = [pause() for _ in range(12)]
    assert 0.04 <= pauses[0] <= SHORTEST_S + 0.02
    assert 0.4 <= pauses[-1] <= LONGEST_S + 0.02
    breaker.succeeded()
    assert not breaker.open
    assert pause() <= SHORTEST_S + 0.02


def test_its_state_is_a_metric(breaker: Breaker, clock: Clock) -> None:
    def told(name: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"dependency": "broker"})

    before = told("coupon_breaker_opened_total") or 0
    breaker.failed(after_s=1)
    assert told("coupon_breaker_open") == 1
    clock.now += LONGEST_S
    breaker.may_try()
    assert told("coupon_breaker_open") == 0.5
    breaker.failed(after_s=1)
    assert told("coupon_breaker_open") == 1
    breaker.succeeded()
    assert told("coupon_breaker_open") == 0
    assert told("coupon_breaker_opened_total") == before + 1


def calls(breaker: Breaker, error: Exception) -> None:
    with pytest.raises(type(error)), breaker.guard():
        raise error


def is_open(breaker: Breaker) -> bool:
    """As a call, whose result mypy does not take for constant."""
    return breaker.open


def test_14_10_a_guard_reports_what_its_block_raised(breaker: Breaker, clock: Clock) -> None:
    """No reply is a failure, an error reply a success; any other error says nothing."""
    for _ in range(2):
        calls(breaker, TimeoutError())
    calls(breaker, KeyError())  # the server replied: the failures are in a row no longer
    for error in (TimeoutError(), ValueError({"unhashable": 1}), TimeoutError()):
        calls(breaker, error)
    assert not is_open(breaker)
    calls(breaker, TimeoutError())  # the third: a ValueError ends no row
    assert is_open(breaker)
    clock.now += LONGEST_S
    calls(breaker, ValueError())
    assert is_open(breaker)
    clock.now += LONGEST_S
    with breaker.guard():
        pass
    assert not is_open(breaker)


def test_14_10_an_open_guard_runs_no_block_but_one_probe(breaker: Breaker, clock: Clock) -> None:
    with pytest.raises(TimeoutError), breaker.guard():
        clock.now += 2 * SLOW_S
        raise TimeoutError
    with pytest.raises(StoreAway, match="breaker is open"), breaker.guard():
        pytest.fail("a call was made")
    clock.now += LONGEST_S
    with breaker.guard(), pytest.raises(StoreAway), breaker.guard():
        pytest.fail("a second probe was made")
    assert not is_open(breaker)


# With a Redis behind a cable that can be pulled


@pytest.fixture
def cable(settings: Any) -> Iterator[Proxy]:
    address = urlsplit(settings.REDIS_URL)
    with proxy(address.hostname or "", address.port or 0) as between:
        yield between


def store_behind(cable: Proxy, *, timeout_s: float = 0.3) -> Store:
    return Store(f"redis://127.0.0.1:{cable.port}/0", timeout_s=timeout_s, max_connections=8)


def claim(store: Store, user: str) -> tuple[str, float]:
    """What came of it, and after how many seconds."""
    began = time.monotonic()
    try:
        said = store.admit("sale", user=user, nth=1, per_user=1, filter_blocks=1).outcome
    except StoreAway:
        said = "away"
    return said, time.monotonic() - began


def many(store: Store, count: int) -> list[tuple[str, float]]:
    with ThreadPoolExecutor(16) as threads:
        return list(threads.map(lambda n: claim(store, f"user-{n}"), range(count)))


def test_a_silent_redis_holds_few_for_one_timeout_and_the_rest_not_at_all(
    open_campaign: CampaignMaker, cable: Proxy
) -> None:
    """With a timeout so long that a busy machine's own pauses are small beside it."""
    open_campaign(stock=1000)
    store = store_behind(cable, timeout_s=1)
    assert claim(store, "jun")[0] == "admitted"
    cable.pulled.set()
    answers = many(store, 2000)
    assert {said for said, _ in answers} == {"away"}
    waited = sorted(seconds for _, seconds in answers)
    assert waited[-1] < 1.6, "nobody waits for a second timeout behind the first"
    assert waited[int(0.98 * len(waited))] < 0.1


def test_each_claim_is_sent_at_most_once_and_most_not_at_all(
    open_campaign: CampaignMaker, cable: Proxy
) -> None:
    open_campaign(stock=1000)
    store = store_behind(cable)
    claim(store, "jun")
    cable.pulled.set()
    before = cable.taken
    claim(store, "sora")
    one = cable.taken - before
    assert one > 0
    many(store, 500)
    assert cable.taken - before < 40 * one


def test_it_is_back_within_two_seconds_of_its_return(
    open_campaign: CampaignMaker, cable: Proxy
) -> None:
    open_campaign(stock=1000)
    store = store_behind(cable)
    claim(store, "jun")
    cable.pulled.set()
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert claim(store, "sora")[0] == "away"
        time.sleep(0.01)
    cable.pulled.clear()
    back = time.monotonic()
    while claim(store, "sora")[0] == "away":
        assert time.monotonic() < back + 2
        time.sleep(0.01)


def test_without_it_everybody_waits_the_whole_time(
    open_campaign: CampaignMaker, cable: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    open_campaign(stock=1000)
    store = store_behind(cable)
    monkeypatch.setattr(store.breaker, "failed", lambda **_: None)
    claim(store, "jun")
    cable.pulled.set()
    waited = sorted(seconds for _, seconds in many(store, 32))
    assert waited[len(waited) // 2] > 0.25


def test_a_refusal_of_the_server_is_an_answer(open_campaign: CampaignMaker, cable: Proxy) -> None:
    open_campaign()
    store = store_behind(cable)
    store.client.config_set("maxmemory", 1)
    try:
        assert [claim(store, "jun")[0] for _ in range(5)] == ["away"] * 5
        assert not store.breaker.open
    finally:
        store.client.config_set("maxmemory", 0)
