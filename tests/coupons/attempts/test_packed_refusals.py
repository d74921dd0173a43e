"""The packed form of a refusal: read back as it was, by Python and by Redis' Lua alike."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupons.attempts.stored_entries import MOST_STORED, add_entries, entries_of
from coupons.claims import packed_refusals as packed
from coupons.claims.packed_refusals import Refusal, add_refusals, pack_refusal, unpack_refusal

DIGEST = b"8 bytes."
OUTCOMES = st.sampled_from([name for name in packed._NAMES if name != "other"])
NUMBERS = st.none() | st.integers(0, packed.MOST_COUNTED)
OUR_IDS = st.builds(
    lambda prefix, number: f"{prefix.hex()}-{number:x}",
    st.binary(min_size=5, max_size=5),
    st.integers(0, 2**48 - 1),
)
SHORT_IDS = st.text("abcXYZ019._-", max_size=16)
REFUSALS = st.builds(
    lambda first_ms, after_ms, **more: Refusal(
        first_ms=first_ms, last_ms=first_ms + after_ms, **more
    ),
    first_ms=st.integers(0, 2**48 - 1),
    after_ms=st.integers(0, packed.MOST_COUNTED),
    outcome=OUTCOMES,
    count=st.integers(1, packed.MOST_COUNTED),
    nth=st.integers(0, 255),
    places_given=NUMBERS,
    users_before=NUMBERS,
    late_first_ms=NUMBERS,
    late_last_ms=NUMBERS,
    request=OUR_IDS | SHORT_IDS | st.uuids().map(str),
)


def key_of(refusal: Refusal) -> bytes:
    return packed.entry_key(DIGEST, refusal.outcome)


@given(REFUSALS)
def test_a_packed_refusal_is_read_back_as_it_was(refusal: Refusal) -> None:
    key, value = key_of(refusal), pack_refusal(refusal)
    assert (len(key), len(value)) == (packed.KEY_BYTES, packed.VALUE_BYTES)
    assert unpack_refusal(key, value) == refusal


@given(st.integers(0, 2**47), st.integers(0, 255), st.none() | st.integers(0, 9), SHORT_IDS)
def test_a_single_refusal_is_packed_as_any_other(
    at_ms: int, nth: int, late_ms: int | None, request: str
) -> None:
    late = None if late_ms is None or late_ms > at_ms else late_ms
    last_ms = None if late is None else at_ms - late
    refusal = Refusal(
        "sold_out", at_ms, at_ms, 1, nth, late_first_ms=late, late_last_ms=late, request=request
    )
    assert packed.pack_single(at_ms, nth, last_ms, request) == pack_refusal(refusal)


@given(st.text("ab0-.", min_size=17, max_size=64))
def test_a_long_request_id_is_cut_and_says_so(request: str) -> None:
    refusal = Refusal("sold_out", 1, 1, request=request)
    read = unpack_refusal(key_of(refusal), pack_refusal(refusal)).request
    assert read == request if len(read) == 36 else read == f"{request[:16]}…"


@given(st.integers(-(2**60), 2**60), st.integers(-(2**60), 2**60))
def test_numbers_out_of_range_are_cut_and_never_fail(first_ms: int, number: int) -> None:
    refusal = Refusal("closed", first_ms, number, number, 1, number, number, number, number)
    pack_refusal(refusal)


@given(st.binary(max_size=60), st.binary(max_size=12))
def test_what_is_no_entry_is_refused_or_read(value: bytes, key: bytes) -> None:
    try:
        unpack_refusal(key, value)
    except ValueError:
        assert len(key) != packed.KEY_BYTES or len(value) != packed.VALUE_BYTES or key[8] > 14


@given(REFUSALS, REFUSALS, REFUSALS)
def test_sums_do_not_depend_on_the_order(one: Refusal, two: Refusal, three: Refusal) -> None:
    """Except when two begin in the same millisecond: then either may be the first."""
    one, two, three = (replace(each, outcome="sold_out", count=1) for each in (one, two, three))
    sums = {
        (total.first_ms, total.last_ms, total.count)
        for total in (
            add_refusals(add_refusals(one, two), three),
            add_refusals(three, add_refusals(two, one)),
            add_refusals(add_refusals(three, one), two),
        )
    }
    assert len(sums) == 1


def test_every_outcome_and_failure_has_a_number_of_its_own() -> None:
    keys = {packed.entry_key(DIGEST, name) for name in packed._NAMES}
    assert len(keys) == len(packed._NAMES)
    assert packed.entry_key(DIGEST, "a later code") == packed.entry_key(DIGEST, "other")


def test_the_hash_needs_the_campaigns_key() -> None:
    """Without it (the control) whoever reads Redis finds a user by trying names."""
    assert packed.user_digest(b"k" * 32, "ann") != packed.user_digest(b"q" * 32, "ann")
    assert b"ann" not in packed.user_digest(b"k" * 32, "ann")[1]


# The row in MySQL


def entry(first_ms: int, count: int = 1) -> dict[bytes, bytes]:
    refusal = Refusal("sold_out", first_ms, first_ms + count, count)
    return {key_of(refusal): pack_refusal(refusal)}


def stored_count(stored: bytes) -> int:
    return sum(unpack_refusal(*pair).count for pair in entries_of(stored, DIGEST))


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9)), max_size=12))
def test_moving_again_after_a_crash_counts_nothing_twice(steps: list[tuple[bool, int]]) -> None:
    """Each step: more refusals come (count grows), and are moved once or, after a crash, twice."""
    stored, total, first_ms = b"", 0, 0
    for crashed, count in steps:
        first_ms, total = first_ms + 100, total + count
        for _ in range(1 + crashed):
            stored, _ = add_entries(stored, entry(first_ms, count))
    assert stored_count(stored) == total
    assert len(list(entries_of(stored, DIGEST))) <= 2


def test_an_entry_that_grew_after_it_was_moved_counts_once() -> None:
    stored, _ = add_entries(b"", entry(100, 1))
    stored, _ = add_entries(stored, entry(100, 3))
    assert stored_count(stored) == 3


def test_a_full_bucket_takes_no_new_user_and_says_so() -> None:
    fresh = {bytes((number, 1)) + b"7 bytes": pack_refusal(Refusal("sold_out", 1, 1))
             for number in range(250)}  # fmt: skip
    fresh = {key[:8] + b"\1": value for key, value in fresh.items()}
    more = {b"m" + key[:7] + b"\1": value for key, value in fresh.items()}
    stored, full = add_entries(b"", fresh)
    assert full == 0
    stored, full = add_entries(stored, more)
    assert (len(stored) // 57, full) == (MOST_STORED, 500 - MOST_STORED)
    stored, full = add_entries(stored, {b"damaged": b"entry"})
    assert (len(stored) // 57, full) == (MOST_STORED, 0)


@pytest.mark.parametrize("key", [b"", b"short", DIGEST + b"\xff"])
def test_a_damaged_key_is_no_refusal(key: bytes) -> None:
    with pytest.raises(ValueError, match="not a packed refusal"):
        unpack_refusal(key, pack_refusal(Refusal("closed", 1, 1)))
