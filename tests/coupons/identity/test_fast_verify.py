"""The fast verification accepts a token only if PyJWT does, with the same claims."""

import json
import time
from typing import Any

import jwt
import pytest
from django.conf import settings as configured
from hypothesis import given
from hypothesis import strategies as st

from coupons.errors import BadToken
from coupons.identity import fast_verify, user_tokens
from tests.conftest import Settings

NOW = int(time.time())
MOMENTS = st.sampled_from([NOW - 3600, NOW - 3, NOW + 3, NOW + 3600, 2**62, -1, None, "soon", 1.5])
NAMES = st.sampled_from(
    ["https://shop.local", "coupons", "", None, 7, ["coupons"], ["x", "coupons"]]
)
CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "iss": st.one_of(st.just("https://shop.local"), NAMES),
        "aud": st.one_of(st.just("coupons"), NAMES),
        "sub": st.one_of(st.just("mina"), st.text(max_size=5), NAMES),
        "exp": st.one_of(st.just(NOW + 3600), MOMENTS),
        "nbf": MOMENTS,
        "iat": MOMENTS,
        "jti": NAMES,
    },
)


def library_says(token: str, settings: Settings) -> dict[str, Any] | None:
    try:
        return jwt.decode(
            token, settings.JWT_HS256_SECRET, algorithms=["HS256"],
            audience=settings.JWT_AUDIENCE, issuer=settings.JWT_ISSUER, leeway=user_tokens.LEEWAY_S,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )  # fmt: skip
    except jwt.PyJWTError:
        return None


@given(CLAIMS)
def test_it_never_says_yes_where_the_library_says_no(claims: dict[str, Any]) -> None:
    token = jwt.api_jws.encode(
        json.dumps(claims).encode(), configured.JWT_HS256_SECRET, "HS256",
        headers={"typ": "JWT"},
    )  # fmt: skip
    said = fast_verify.verify_fast(token)
    assert said is None or said == library_says(token, configured)


def test_it_does_say_yes_to_an_ordinary_token(settings: Settings) -> None:
    token = user_tokens.mint_token("mina")
    assert token.encode().startswith(fast_verify._PLAIN_HEADER)
    said = fast_verify.verify_fast(token)
    assert said is not None
    assert said == library_says(token, settings)


@given(st.integers(0, 400), st.integers(1, 255))
def test_no_changed_byte_gets_through(position: int, flip: int) -> None:
    token = bytearray(user_tokens.mint_token("mina").encode())
    token[position % len(token)] ^= flip
    changed = token.decode("latin-1")
    if changed != user_tokens.mint_token("mina"):
        assert fast_verify.verify_fast(changed) is None


@pytest.mark.parametrize("payload", ["[]", "null", "1", '"x"', "[{}]", "true", "1e999", '{"a"', ""])
@pytest.mark.parametrize(
    "header", [{"typ": "JWT"}, {"typ": "JWT", "kid": "1"}], ids=["plain", "kid"]
)
def test_13_a_signed_payload_that_is_no_object_is_refused(
    payload: str, header: dict[str, str]
) -> None:
    secret = configured.JWT_HS256_SECRET
    token = jwt.api_jws.encode(payload.encode(), secret, "HS256", headers=header)
    with pytest.raises(BadToken, match="malformed"):
        user_tokens.verify_token(token)


def test_a_token_of_another_head_is_left_to_the_library(settings: Settings) -> None:
    said = {"iss": settings.JWT_ISSUER, "aud": settings.JWT_AUDIENCE, "sub": "mina",
            "exp": int(time.time()) + 60}  # fmt: skip
    token = jwt.encode(said, settings.JWT_HS256_SECRET, "HS256", headers={"kid": "1"})
    assert fast_verify.verify_fast(token) is None
    assert user_tokens.verify_token(token).user == "mina"
    with pytest.raises(BadToken):
        user_tokens.verify_token(token[:-2])
