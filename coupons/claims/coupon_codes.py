"""Coupon codes: computed from a campaign's key, never looked up, deterministic.

A code is 75 bits of HMAC-SHA256 under the campaign's own key, as 15 symbols of Crockford's base 32
(https://www.crockford.com/base32.html) and one check symbol, Luhn mod 32 in place of Crockford's
mod 37, whose extra symbols are awkward to type.
"""

from coupons.claims import hmac_sha256
from coupons.claims.campaign_keys import CampaignKey

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I L O U
LENGTH = 16  # symbols, the check symbol included
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]  # 10 bits at a time
_VALUE = {symbol: value for value, symbol in enumerate(ALPHABET)}
# Value of a symbol in a doubled position of Luhn mod 32: the sum of the base-32 digits of 2v.
_DOUBLED = {symbol: 2 * v // 32 + 2 * v % 32 for symbol, v in _VALUE.items()}
_TOTALS = [_DOUBLED[pair[0]] + _VALUE[pair[1]] for pair in _PAIRS]
_READ_AS = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})


def coupon_code(key: CampaignKey, user: str, nth: int, place: int) -> str:
    """The code of this user's place: 16 symbols, ungrouped."""
    message = b"%d/%d/" % (nth, place) + user.encode()
    n = int.from_bytes(hmac_sha256.hmac_sha256(key.code, message)[:10])
    # Written out: a claim and a row of the drain need one each, and loops take twice as long.
    a, b, c, d = n >> 70, n >> 60 & 1023, n >> 50 & 1023, n >> 40 & 1023
    e, f, g, h = n >> 30 & 1023, n >> 20 & 1023, n >> 10 & 1023, n >> 5 & 31
    total = (
        _TOTALS[a] + _TOTALS[b] + _TOTALS[c] + _TOTALS[d]
        + _TOTALS[e] + _TOTALS[f] + _TOTALS[g] + _TOTALS[h << 5]
    )  # fmt: skip
    return (
        f"{_PAIRS[a]}{_PAIRS[b]}{_PAIRS[c]}{_PAIRS[d]}{_PAIRS[e]}{_PAIRS[f]}{_PAIRS[g]}"
        f"{ALPHABET[h]}{ALPHABET[-total % 32]}"
    )


def _check_symbol(symbols: str) -> str:
    total = sum(map(_DOUBLED.__getitem__, symbols[-1::-2])) + sum(
        map(_VALUE.__getitem__, symbols[-2::-2])
    )
    return ALPHABET[-total % 32]


def normalise_code(typed: str) -> str | None:
    """The code a person typed, normalised (case, hyphens, spaces, O/0, I/L/1); None if the length,
    a symbol or the check symbol is wrong."""
    code = typed.upper().translate(_READ_AS)
    if len(code) != LENGTH or not all(symbol in _VALUE for symbol in code):
        return None
    return code if _check_symbol(code[:-1]) == code[-1] else None


def grouped_code(code: str) -> str:
    """The code as it is shown to people: XXXX-XXXX-XXXX-XXXX."""
    return f"{code[:4]}-{code[4:8]}-{code[8:12]}-{code[12:]}"
