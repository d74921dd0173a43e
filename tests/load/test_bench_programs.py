"""The output of the bench's external programs is parsed."""

import pytest

from tests.bench import decision_rate, wrk


def test_wrk_tells_requests_and_time() -> None:
    heard = wrk.parse_result("3000 2000000 0 0 1500.5 9000 0")
    assert heard == wrk.WrkResult(requests=3000, seconds=2.0, mean_ms=1.5005, p99_ms=9.0)
    assert heard.per_second == 1500.0


@pytest.mark.parametrize("line", ["3000 2000000 1 0 1 1 0", "3000 2000000 0 1 1 1 0"])
def test_a_refusal_or_a_broken_connection_is_no_measurement(line: str) -> None:
    with pytest.raises(RuntimeError, match="wrk: "):
        wrk.parse_result(line)


def test_a_user_would_have_been_used_twice() -> None:
    with pytest.raises(wrk.TooFewTokens):
        wrk.parse_result("3000 2000000 0 0 1 1 1")


def test_redis_benchmark_tells_its_rate_in_the_last_line() -> None:
    said = '"test","rps","avg_latency_ms"\n"EVALSHA 1f 4","15408.32","0.9"\n'
    assert decision_rate.parse_rate(said) == 15408.32
