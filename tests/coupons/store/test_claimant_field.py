"""The field of a claimant in Redis: decodes to the same user, and is unique."""

from string import ascii_letters, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupons.store import claimant_field

UUID = "3f2b8c1e-90ab-4d7e-8f65-0123456789ab"
packable = st.text(ascii_letters + digits + "-_", min_size=32, max_size=48)
almost = st.text(ascii_letters + digits + "-_+/=!. \0é", min_size=32, max_size=48)
users = st.one_of(packable, almost, st.text(st.characters(codec="utf-8"), min_size=1, max_size=64))


@given(users, st.integers(1, 100), st.sampled_from([1, 2, 100]))
def test_a_field_says_whose_it_is(user: str, nth: int, per_user: int) -> None:
    nth = 1 if per_user == 1 else nth
    assert claimant_field.decode_field(
        claimant_field.encode_field(user, nth, per_user), per_user
    ) == (user, nth)


@given(users, users, st.sampled_from([(1, 1, 1), (1, 2, 2), (11, 1, 100), (1, 1, 2)]))
def test_no_two_users_share_a_field(one: str, other: str, nths: tuple[int, int, int]) -> None:
    first, second, per_user = nths
    fields = (
        claimant_field.encode_field(one, first, per_user),
        claimant_field.encode_field(other, second, per_user),
    )
    assert (fields[0] == fields[1]) == ((one, first) == (other, second))


def test_a_uuid_is_packed_and_a_short_name_is_readable() -> None:
    assert len(claimant_field.encode_field(UUID, 1, 1)) == 28
    assert claimant_field.encode_field("mina", 1, 1) == b"mina"
    assert claimant_field.encode_field("mina", 2, 3) == b"2:mina"


@pytest.mark.parametrize("sign", ["+", "/", "=", "!", ".", " ", "\0", "\n", "é", "ÿ"])
@pytest.mark.parametrize("at", [0, 17, 35])
def test_what_is_no_letter_of_base64url_is_left_alone(sign: str, at: int) -> None:
    user = UUID[:at] + sign + UUID[at + 1 :]
    assert claimant_field.encode_field(user, 1, 1) == user.encode()
