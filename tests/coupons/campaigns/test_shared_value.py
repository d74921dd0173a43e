"""One loader at a time, however many readers; a store that is away is not asked by each of them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from coupons.campaigns import shared_value
from coupons.campaigns.shared_value import SharedValue
from coupons.errors import StoreAway


class Source:
    """Counts how often it was loaded, by how many threads at once; waits for `may_end`."""

    def __init__(self) -> None:
        self.loads = self.most_at_once = self._at_once = 0
        self.began, self.may_end = threading.Event(), threading.Event()
        self.failure: Exception | None = None
        self._lock = threading.Lock()

    def load(self) -> int:
        with self._lock:
            self.loads += 1
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            number = self.loads
        self.began.set()
        self.may_end.wait(60)
        with self._lock:
            self._at_once -= 1
        if self.failure:
            raise self.failure
        return number


@pytest.fixture
def source() -> Source:
    return Source()


def test_readers_who_come_while_the_first_value_is_loaded_wait_and_share_it(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_value, "LONGEST_WAIT_S", 60)
    shared = SharedValue[int](fresh_s=60, stale_s=60, kept_s=60)
    with ThreadPoolExecutor(8) as readers:
        first = readers.submit(shared.read_value, source.load)
        assert source.began.wait(60)
        others = [readers.submit(shared.read_value, source.load) for _ in range(7)]
        source.may_end.set()
        assert [reader.result() for reader in (first, *others)] == [1] * 8
    assert (source.loads, source.most_at_once) == (1, 1)


def test_while_a_new_value_is_loaded_the_others_get_the_last_one(source: Source) -> None:
    shared = SharedValue[int](fresh_s=0, stale_s=60, kept_s=60)
    source.may_end.set()
    assert shared.read_value(source.load) == 1
    source.may_end.clear()
    source.began.clear()
    with ThreadPoolExecutor(1) as loader:
        second = loader.submit(shared.read_value, source.load)
        assert source.began.wait(60)
        assert [shared.read_value(source.load) for _ in range(5)] == [1] * 5
        source.may_end.set()
        assert second.result() == 2
    assert source.most_at_once == 1


def test_one_who_comes_after_a_long_silence_gets_no_old_value(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_value, "LONGEST_WAIT_S", 0.01)
    shared = SharedValue[int](fresh_s=0, stale_s=0, kept_s=0)
    source.may_end.set()
    assert shared.read_value(source.load) == 1
    source.may_end.clear()
    source.began.clear()
    with ThreadPoolExecutor(1) as loader:
        second = loader.submit(shared.read_value, source.load)
        assert source.began.wait(60)
        with pytest.raises(StoreAway):
            shared.read_value(source.load)
        source.may_end.set()
        assert second.result() == 2


def test_a_failure_is_not_tried_again_by_every_reader(source: Source) -> None:
    shared = SharedValue[int](fresh_s=0, stale_s=0, kept_s=60)
    source.may_end.set()
    assert shared.read_value(source.load) == 1
    source.failure = StoreAway("Redis: gone")
    assert [shared.read_value(source.load) for _ in range(20)] == [1] * 20
    assert source.loads == 2


def test_a_value_that_is_too_old_is_not_served_instead_of_the_failure(source: Source) -> None:
    shared = SharedValue[int](fresh_s=0, stale_s=0, kept_s=0)
    source.may_end.set()
    assert shared.read_value(source.load) == 1
    source.failure = StoreAway("Redis: gone")
    for _ in range(20):
        with pytest.raises(StoreAway):
            shared.read_value(source.load)
    assert source.loads == 2


def test_after_a_failure_it_is_tried_again(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_value, "RETRY_S", 0)
    shared = SharedValue[int](fresh_s=60, stale_s=60, kept_s=60)
    source.may_end.set()
    source.failure = StoreAway("Redis: gone")
    with pytest.raises(StoreAway):
        shared.read_value(source.load)
    source.failure = None
    assert shared.read_value(source.load) == 2
