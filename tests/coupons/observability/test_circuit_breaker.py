"""The circuit breaker: when it opens, which caller may probe, how soon it closes."""

import pytest
from prometheus_client import REGISTRY

from coupons.errors import StoreAway
from coupons.observability import metrics
from coupons.observability.circuit_breaker import IN_A_ROW, LONGEST_S, SHORTEST_S, Breaker

SLOW_S = 0.15


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def fake_clock() -> Clock:
    return Clock()


@pytest.fixture
def redis_breaker(fake_clock: Clock) -> Breaker:
    return Breaker(
        metrics.Breaker.REDIS,
        away=StoreAway,
        is_no_reply=lambda error: isinstance(error, TimeoutError),
        error_reply=LookupError,
        slow_s=SLOW_S,
        clock=fake_clock,
    )


def test_one_slow_failure_opens_it(redis_breaker: Breaker) -> None:
    redis_breaker.failed(after_s=SLOW_S)
    assert redis_breaker.open
    assert redis_breaker.is_resting()
    assert not redis_breaker.may_try()


def test_quick_failures_open_it_only_in_a_row(redis_breaker: Breaker) -> None:
    for _ in range(3):
        for _ in range(IN_A_ROW - 1):
            redis_breaker.failed(after_s=0)
        assert not redis_breaker.open
        redis_breaker.succeeded()
    for _ in range(IN_A_ROW):
        redis_breaker.failed(after_s=0)
    assert redis_breaker.open


def test_one_caller_probes_while_the_others_are_still_refused_at_once(
    redis_breaker: Breaker, fake_clock: Clock
) -> None:
    redis_breaker.failed(after_s=1)
    fake_clock.now += SHORTEST_S
    assert not redis_breaker.is_resting()
    assert [redis_breaker.may_try() for _ in range(5)] == [True, False, False, False, False]
    assert redis_breaker.is_resting()


def test_a_caller_that_never_tells_does_not_keep_it_open_for_ever(
    redis_breaker: Breaker, fake_clock: Clock
) -> None:
    redis_breaker.failed(after_s=1)
    fake_clock.now += SHORTEST_S
    assert redis_breaker.may_try()
    fake_clock.now += 2 * SLOW_S
    assert redis_breaker.may_try()


def test_the_pauses_grow_to_a_bound_and_begin_anew_after_a_success(
    redis_breaker: Breaker, fake_clock: Clock
) -> None:
    def measure_pause() -> float:
        redis_breaker.failed(after_s=1)
        began = fake_clock.now
        while redis_breaker.is_resting():
            fake_clock.now += 0.01
        assert redis_breaker.may_try()
        return fake_clock.now - began

    pauses = [measure_pause() for _ in range(12)]
    assert 0.04 <= pauses[0] <= SHORTEST_S + 0.02
    assert 0.4 <= pauses[-1] <= LONGEST_S + 0.02
    redis_breaker.succeeded()
    assert not redis_breaker.open
    assert measure_pause() <= SHORTEST_S + 0.02


def test_its_state_is_a_metric(redis_breaker: Breaker, fake_clock: Clock) -> None:
    def metric_value(name: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"dependency": "redis"})

    before = metric_value("coupon_breaker_opened_total") or 0
    redis_breaker.failed(after_s=1)
    assert metric_value("coupon_breaker_open") == 1
    fake_clock.now += LONGEST_S
    redis_breaker.may_try()
    assert metric_value("coupon_breaker_open") == 0.5
    redis_breaker.failed(after_s=1)
    assert metric_value("coupon_breaker_open") == 1
    redis_breaker.succeeded()
    assert metric_value("coupon_breaker_open") == 0
    assert metric_value("coupon_breaker_opened_total") == before + 1


def raise_in_guard(breaker: Breaker, error: Exception) -> None:
    with pytest.raises(type(error)), breaker.guard():
        raise error


def is_open(breaker: Breaker) -> bool:
    """As a call, whose result mypy does not take for constant."""
    return breaker.open


def test_14_10_a_guard_reports_what_its_block_raised(
    redis_breaker: Breaker, fake_clock: Clock
) -> None:
    """No reply is a failure, an error reply a success; any other error says nothing."""
    for _ in range(2):
        raise_in_guard(redis_breaker, TimeoutError())
    raise_in_guard(
        redis_breaker, KeyError()
    )  # the server replied: the failures are in a row no longer
    for error in (TimeoutError(), ValueError({"unhashable": 1}), TimeoutError()):
        raise_in_guard(redis_breaker, error)
    assert not is_open(redis_breaker)
    raise_in_guard(redis_breaker, TimeoutError())  # the third: a ValueError ends no row
    assert is_open(redis_breaker)
    fake_clock.now += LONGEST_S
    raise_in_guard(redis_breaker, ValueError())
    assert is_open(redis_breaker)
    fake_clock.now += LONGEST_S
    with redis_breaker.guard():
        pass
    assert not is_open(redis_breaker)


def test_14_10_an_open_guard_runs_no_block_but_one_probe(
    redis_breaker: Breaker, fake_clock: Clock
) -> None:
    with pytest.raises(TimeoutError), redis_breaker.guard():
        fake_clock.now += 2 * SLOW_S
        raise TimeoutError
    with pytest.raises(StoreAway, match="breaker is open"), redis_breaker.guard():
        pytest.fail("a call was made")
    fake_clock.now += LONGEST_S
    with redis_breaker.guard(), pytest.raises(StoreAway), redis_breaker.guard():
        pytest.fail("a second probe was made")
    assert not is_open(redis_breaker)
