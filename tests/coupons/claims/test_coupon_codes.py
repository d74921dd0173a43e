"""Codes and receipts: the same for the same claim, unlike any other, and hard to mistype."""

import hmac

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupons.claims import campaign_keys, coupon_codes, receipt_tokens

KEY = campaign_keys.campaign_key("k1", b"\x01" * 32, "sale")
OTHER = campaign_keys.campaign_key("k1", b"\x01" * 32, "other")


def test_a_code_is_the_same_each_time_and_differs_by_user_place_nth_and_campaign() -> None:
    code = coupon_codes.coupon_code(KEY, "mina", 1, 7)
    assert code == coupon_codes.coupon_code(KEY, "mina", 1, 7)
    others = {
        coupon_codes.coupon_code(KEY, "jun", 1, 7),
        coupon_codes.coupon_code(KEY, "mina", 2, 7),
        coupon_codes.coupon_code(KEY, "mina", 1, 8),
        coupon_codes.coupon_code(OTHER, "mina", 1, 7),
    }
    assert code not in others
    assert len(others) == 4


def test_the_code_carries_the_first_75_bits_of_the_hmac() -> None:
    digest = hmac.digest(KEY.code, b"1/7/mina", "sha256")
    expected = int.from_bytes(digest[:10]) >> 5  # 80 bits less 5
    value = 0
    for symbol in coupon_codes.coupon_code(KEY, "mina", 1, 7)[:15]:
        value = value * 32 + coupon_codes.ALPHABET.index(symbol)
    assert value == expected


@given(st.text(min_size=1, max_size=40), st.integers(1, 10**6))
def test_a_code_as_typed_is_read_as_it_was_meant(user: str, place: int) -> None:
    code = coupon_codes.coupon_code(KEY, user, 1, place)
    typed = coupon_codes.grouped_code(code).lower().replace("0", "o").replace("1", "l")
    assert coupon_codes.normalise_code(typed) == code


def test_one_wrong_symbol_is_always_noticed() -> None:
    code = coupon_codes.coupon_code(KEY, "mina", 1, 7)
    for position in range(coupon_codes.LENGTH):
        for symbol in coupon_codes.ALPHABET:
            wrong = code[:position] + symbol + code[position + 1 :]
            if wrong != code:
                assert coupon_codes.normalise_code(wrong) is None, wrong


def test_two_neighbours_swapped_are_noticed_but_for_zero_and_z() -> None:
    code = coupon_codes.coupon_code(KEY, "mina", 1, 7)
    for i in range(coupon_codes.LENGTH - 1):
        swapped = code[:i] + code[i + 1] + code[i] + code[i + 2 :]
        if swapped != code and {code[i], code[i + 1]} != {"0", "Z"}:
            assert coupon_codes.normalise_code(swapped) is None


def test_what_is_no_code_is_refused() -> None:
    for typed in ("", "1234", "U" * 16, "0" * 15 + "1", "０" * 16, "A" * 400):
        assert coupon_codes.normalise_code(typed) is None


def test_a_receipt_is_a_standard_jws_and_the_same_each_time() -> None:
    token = receipt_tokens.sign_receipt(KEY, "sale", "mina", 1, 7, 1_795_000_000_123)
    assert token == receipt_tokens.sign_receipt(KEY, "sale", "mina", 1, 7, 1_795_000_000_123)
    assert jwt.get_unverified_header(token)["kid"] == "k1"
    said = receipt_tokens.read_receipt(KEY, token)
    assert said == receipt_tokens.Receipt("sale", "mina", 1, 7, 1_795_000_000_123)


def test_a_receipt_of_another_campaign_or_a_forged_one_is_not_genuine() -> None:
    token = receipt_tokens.sign_receipt(OTHER, "other", "mina", 1, 7, 1)
    assert receipt_tokens.read_receipt(KEY, token) is None
    head, body, _ = token.split(".")
    assert receipt_tokens.read_receipt(OTHER, f"{head}.{body}.AAAA") is None


@pytest.mark.parametrize("said", ["", "x", "a.b.c", "e30.e30.", "é.é.é", "." * 3000])
def test_what_is_no_receipt_at_all_is_not_genuine(said: str) -> None:
    assert receipt_tokens.read_receipt(KEY, said) is None


@pytest.mark.parametrize("member", ["campaign", "sub", "nth", "place", "admitted_ms"])
def test_a_receipt_without_a_member_or_with_an_odd_one_is_not_genuine(member: str) -> None:
    """Signed with our own key: a valid signature does not imply valid members."""
    said: dict[str, object] = {
        "campaign": "sale", "sub": "mina", "nth": 1, "place": 7, "admitted_ms": 1,
    }  # fmt: skip
    odd: object
    for odd in (None, True, [], 1.5, {}, 2**63, 10**30, -(10**30), "\ud800", "a\udfffb"):
        token = jwt.encode(said | {member: odd}, KEY.receipt, "HS256")
        assert receipt_tokens.read_receipt(KEY, token) is None
    del said[member]
    assert receipt_tokens.read_receipt(KEY, jwt.encode(said, KEY.receipt, "HS256")) is None


def test_a_receipt_with_other_bits_in_its_last_letter_is_not_genuine() -> None:
    """Base 64 leaves two of them free: the same signature, other bytes."""
    token = receipt_tokens.sign_receipt(KEY, "sale", "mina", 1, 7, 1)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = letters[letters.index(token[-1]) ^ 1]
    assert receipt_tokens.read_receipt(KEY, token[:-1] + other) is None
