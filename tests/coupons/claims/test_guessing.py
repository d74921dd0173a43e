"""Codes can't be guessed, nor told from chance: the small form of `guessing.py`."""

import random

import pytest

from coupons.claims import campaign_keys, coupon_codes
from tests.coupons.claims import guessing

UNLIKELY = 1e-6  # of p values: the seed is fixed, so this is decided once


def test_codes_can_not_be_guessed_and_are_unique() -> None:
    found = guessing.try_guesses(live=5_000, tries=50_000, count=20_000, seed=1)
    assert (found.hits, found.collisions) == (0, 0)
    assert found.p_of_symbols > UNLIKELY
    assert found.p_of_neighbours > UNLIKELY


def test_negative_control_codes_that_count_are_guessed_and_told_from_chance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def counting_code(key: campaign_keys.CampaignKey, user: str, nth: int, place: int) -> str:
        value = f"{place * 7919 % 2**20:020b}"
        symbols = "".join(
            coupon_codes.ALPHABET[int(value[at : at + 5], 2)] for at in range(0, 20, 5)
        )
        return symbols.rjust(coupon_codes.LENGTH - 1, "A") + "A"

    monkeypatch.setattr(coupon_codes, "coupon_code", counting_code)
    found = guessing.try_guesses(live=5_000, tries=50_000, count=20_000, seed=1)
    assert found.hits > 0
    assert found.collisions > 0  # of ten campaigns
    assert found.p_of_symbols < UNLIKELY


def test_negative_control_codes_of_few_bits_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """The birthday problem, at 24 bits."""
    monkeypatch.setattr(guessing, "code_number", lambda code: hash(code) & 0xFFFFFF)
    found = guessing.try_guesses(live=10, tries=10, count=20_000, seed=1)
    assert found.collisions > 0


@pytest.mark.parametrize(("squares", "degrees", "p"), [(465, 465, 0.491), (30, 31, 0.517)])
def test_p_values_are_those_of_the_tables(squares: float, degrees: int, p: float) -> None:
    assert guessing.p_value(squares, degrees) == pytest.approx(p, abs=0.002)


def test_known_codes_do_not_count_as_hits() -> None:
    known = [5, 6, 7]
    assert guessing.count_hits(known, known, 1_000, random.Random(1)) == 0
