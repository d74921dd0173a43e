"""The fast verification accepts a token only if PyJWT does, for the same user; by drawn tokens of
every algorithm, with a negative control for each check.

10,000 tokens; a million: DRAWN_TOKENS=1000000, see tests/README.md.
"""

import base64
import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as drawing
from hypothesis import strategies as st

from coupons.errors import BadToken
from coupons.identity import (
    fast_verify,
    key_set,
    keys_in_force,
    user_tokens,
    verification_keys,
)
from tests.conftest import Settings
from tests.coupons.identity import drawn_tokens
from tests.coupons.identity.drawn_tokens import PUBLIC, SHARED, TAPE_BYTES, Signer, Tape

TOKENS = int(os.environ.get("DRAWN_TOKENS", "10000"))
TOKENS_OF_EACH = 24  # of three signers, two headers each, four signatures each

pytestmark = pytest.mark.usefixtures("shared_secret")


class SaidYes(AssertionError):
    """The fast verification accepted what PyJWT refuses, or another user."""


@pytest.fixture
def shared(settings: Settings) -> tuple[Signer, ...]:
    settings.JWT_HS256_SECRET = drawn_tokens.SECRET
    settings.JWT_HS256_PREVIOUS = [drawn_tokens.FORMER]
    return SHARED


@pytest.fixture
def public(settings: Settings, tmp_path: Path) -> tuple[Signer, ...]:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(drawn_tokens.jwks()))
    settings.JWT_JWKS_FILE = str(file)
    return PUBLIC


def compare_verdicts(token: str, signers: tuple[Signer, ...]) -> str:
    """What was said about a token. Raises SaidYes."""
    claims = drawn_tokens.library_claims(token, signers)
    wanted = claims and drawn_tokens.caller_of(claims)
    fast = fast_verify.verify_fast(token)
    if fast is not None and (claims is None or drawn_tokens.caller_of(fast) != wanted):
        raise SaidYes(f"{token!r}: {fast} where PyJWT reads {claims}")
    said = drawn_tokens.verified_caller(token)
    if said is not None and said != wanted:
        raise SaidYes(f"{token!r}: {said} where PyJWT says {wanted}")
    if said is not None and not drawn_tokens.is_canonical(token):
        raise SaidYes(f"{token!r}: {said} by another spelling of the token")
    if said is None and wanted is not None:
        return "refused by our own rules"
    return "no" if said is None else "fast" if fast is not None else "left to PyJWT"


def draw_verdicts(signers: tuple[Signer, ...], tokens: int) -> Counter[str]:
    """Compare so many drawn tokens. Raises SaidYes."""
    said: Counter[str] = Counter()
    drawn_tokens.teach_headers(signers)

    @drawing(
        max_examples=max(1, tokens // TOKENS_OF_EACH), derandomize=True, database=None,
        deadline=None, suppress_health_check=list(HealthCheck), print_blob=False,
        phases=(Phase.generate,),
    )  # fmt: skip
    @given(st.binary(min_size=TAPE_BYTES, max_size=TAPE_BYTES))
    def compare(tape: bytes) -> None:
        for token in drawn_tokens.draw_tokens(Tape(tape), signers):
            said[compare_verdicts(token, signers)] += 1

    compare()
    return said


@pytest.mark.parametrize("signers", ["shared", "public"])
def test_it_never_says_yes_where_the_library_says_no(
    signers: str, request: pytest.FixtureRequest
) -> None:
    said = draw_verdicts(request.getfixturevalue(signers), TOKENS // 2)
    print(signers, dict(said))
    assert sum(said.values()) > 0.9 * TOKENS // 2
    assert said["fast"] > TOKENS / 50, "the tokens prove little"
    for verdict in ("left to PyJWT", "refused by our own rules"):
        assert said[verdict] > TOKENS / 5000, f"{verdict}: the tokens prove little about it"


# Negative controls: without one of its checks, drawn tokens find the difference


def _lenient(segment: bytes) -> bytes | None:
    try:
        return base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except ValueError:
        return None


def _every_key(keys: key_set.KeySet, header: bytes) -> Any:
    return keys._for_all or tuple(keys._by_id.values())


def _known_of_any_key(keys: key_set.KeySet, header: bytes) -> Any:
    return _every_key(keys, header) if header in keys._by_header else ()


def _signed_by(_: Any, _signed: bytes, _signature: bytes) -> bool:
    return True


BROKEN: list[tuple[str, str, Any, str, Any]] = [
    ("payloads in any spelling", "shared", fast_verify, "decode_segment", _lenient),
    ("signatures in any spelling", "public", verification_keys, "decode_segment", _lenient),
    ("headers nobody has accepted", "shared", key_set.KeySet, "with_header", _every_key),
    ("a header of another key", "public", key_set.KeySet, "with_header", _known_of_any_key),
    ("any signature", "public", verification_keys.EcKey, "has_signed", _signed_by),
    ("any audience", "shared", fast_verify, "_lists_us", lambda _: True),
    ("any claims", "public", fast_verify, "_is_valid_now", lambda claims: "sub" in claims),
]


@pytest.mark.parametrize(
    ("signers", "where", "name", "broken"),
    [broken[1:] for broken in BROKEN], ids=[broken[0] for broken in BROKEN],
)  # fmt: skip
def test_negative_control_without_one_check_it_says_yes(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest,
    signers: str, where: Any, name: str, broken: Any,
) -> None:  # fmt: skip
    monkeypatch.setattr(where, name, broken)
    with pytest.raises(SaidYes):
        draw_verdicts(request.getfixturevalue(signers), 20_000)


def _nested_token(signer: Signer, depth: int) -> str:
    claims = json.dumps(drawn_tokens._ordinary_claims(int(time.time())))
    return _signed_text(signer, f'{claims[:-1]},"x":{"[" * depth}{"]" * depth}}}')


def test_a_token_nested_deeper_than_the_library_reads_is_left_to_it(
    shared: tuple[Signer, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not among the drawn tokens: Hypothesis raises the limit of recursion."""
    drawn_tokens.teach_headers(shared)
    assert fast_verify.verify_fast(_nested_token(shared[0], 60)) is not None
    deep = _nested_token(shared[0], 1000)
    assert fast_verify.verify_fast(deep) is None
    if drawn_tokens.library_claims(deep, shared) is None:  # Python 3.11 reads less than 1000
        monkeypatch.setattr(fast_verify, "_MOST_BRACKETS", 10**6)
        assert fast_verify.verify_fast(deep) is not None, "the control"


# Headers are learned from PyJWT


@pytest.mark.parametrize("name", ["shared", "public"])
def test_it_says_yes_to_an_ordinary_token_after_the_first(
    name: str, request: pytest.FixtureRequest
) -> None:
    for signer in request.getfixturevalue(name):
        for header in signer.headers():
            token = _signed(signer, header)
            assert fast_verify.verify_fast(token) is None, "nobody has seen this header"
            if signer.is_ours:
                assert user_tokens.verify_token(token).user == "mina"
                assert (fast_verify.verify_fast(token) or {})["sub"] == "mina"


def test_a_header_is_learned_only_from_a_token_that_pyjwt_accepts(
    shared: tuple[Signer, ...],
) -> None:
    ours, _, foreign = shared
    header = b'{"alg":"HS256","kid":"a"}'
    for refused in (_signed(foreign, header), _signed(ours, header, exp=1), _signed(ours, b"[]")):
        assert drawn_tokens.verified_caller(refused) is None
    assert fast_verify.verify_fast(_signed(ours, header)) is None
    assert drawn_tokens.verified_caller(_signed(ours, header)) is not None
    assert fast_verify.verify_fast(_signed(ours, header)) is not None


def test_headers_are_bounded(shared: tuple[Signer, ...]) -> None:
    for number in range(3 * key_set.MOST_HEADERS):
        header = json.dumps({"alg": "HS256", "kid": f"k{number}"}).encode()
        assert drawn_tokens.verified_caller(_signed(shared[0], header)) is not None
    assert len(keys_in_force.current_keys()._by_header) <= key_set.MOST_HEADERS
    assert fast_verify.verify_fast(_signed(shared[0], header)) is not None, "the last is known"


@pytest.mark.parametrize("payload", ["[]", "null", "1", '"x"', "[{}]", "true", "1e999", '{"a"', ""])
@pytest.mark.parametrize("kid", [{}, {"kid": "1"}], ids=["plain", "kid"])
def test_13_a_signed_payload_that_is_no_object_is_refused(
    shared: tuple[Signer, ...], payload: str, kid: dict[str, str]
) -> None:
    drawn_tokens.teach_headers(shared)
    header = {"typ": "JWT", **kid}
    token = jwt.api_jws.encode(payload.encode(), drawn_tokens.SECRET, "HS256", headers=header)
    with pytest.raises(BadToken, match="malformed"):
        user_tokens.verify_token(token)


def _signed(signer: Signer, header: bytes = b"", **changes: Any) -> str:
    claims = drawn_tokens._ordinary_claims(int(time.time())) | changes
    return _signed_text(signer, json.dumps(claims), header)


def _signed_text(signer: Signer, payload: str, header: bytes = b"") -> str:
    parts = header or signer.headers()[0], payload.encode()
    signed = b".".join(map(drawn_tokens.canonical, parts))
    return (signed + b"." + drawn_tokens.canonical(signer.sign(signed))).decode()
