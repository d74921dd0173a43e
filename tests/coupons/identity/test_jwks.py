"""Tokens that the shop signs, verified with its public keys."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.core.management import CommandError, call_command

from coupons.identity import jwks, user_tokens
from tests.coupons.identity.signing import SECRET, raw_token, refusal_of, sign_token, token_claims

pytestmark = pytest.mark.usefixtures("shared_secret")


def _jwk(key: Any, kid: str | None) -> dict[str, Any]:
    public = key.public_key()
    kind = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    said: dict[str, Any] = json.loads(jwt.get_algorithm_by_name(kind).to_jwk(public))
    return said | ({"kid": kid} if kid else {}) | {"use": "sig", "alg": kind}


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def public_keys(shared_secret: None, settings: Any, tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [_jwk(RSA, "rsa-1"), _jwk(EC, "ec-1")]}))
    settings.JWT_JWKS_FILE = str(file)


@pytest.mark.usefixtures("public_keys")
def test_rs256_and_es256_are_believed_by_the_shops_public_keys() -> None:
    assert user_tokens.verify_token(sign_token(RSA, "RS256", kid="rsa-1")).user == "jun"
    assert user_tokens.verify_token(sign_token(EC, "ES256", kid="ec-1")).user == "jun"


@pytest.mark.usefixtures("public_keys")
def test_a_token_names_one_of_our_keys_and_fits_it() -> None:
    for token in (
        sign_token(RSA, "RS256"),
        sign_token(RSA, "RS256", kid="rsa-2"),
        sign_token(RSA, "RS256", kid="ec-1"),
        sign_token(EC, "ES256", kid="rsa-1"),
        sign_token(RSA, "RS512", kid="rsa-1"),
        sign_token(RSA, "PS256", kid="rsa-1"),
        sign_token(rsa.generate_private_key(65537, 2048), "RS256", kid="rsa-1"),
        raw_token(b'{"alg":"none","kid":"rsa-1"}', json.dumps(token_claims()).encode()),
        raw_token(b'{"alg":"RS256","kid":[]}', json.dumps(token_claims()).encode(), b"x"),
    ):
        refusal_of(token)


@pytest.mark.usefixtures("public_keys")
def test_a_key_added_by_the_shop_is_found_without_a_restart_and_made_up_names_cost_nothing(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr("coupons.identity.jwks.time.monotonic", lambda: now)
    reads: list[str] = []
    real = Path.read_text

    def read_and_count(file: Path) -> str:
        reads.append(str(file))
        return real(file)

    monkeypatch.setattr(Path, "read_text", read_and_count)
    new = sign_token(EC, "ES256", kid="ec-2")
    assert user_tokens.verify_token(sign_token(RSA, "RS256", kid="rsa-1")).user == "jun"
    file = Path(settings.JWT_JWKS_FILE)
    file.write_text(json.dumps({"keys": [_jwk(RSA, "rsa-1"), _jwk(EC, "ec-2")]}))
    for kid in ("ec-2", *(f"made-up-{n}" for n in range(50)), 7, ["list"], {"a": 1}):
        refusal_of(sign_token(EC, "ES256", kid=kid) if isinstance(kid, str) else _odd_kid(kid))
    assert len(reads) == 1
    now += jwks.READ_AGAIN_S
    assert user_tokens.verify_token(new).user == "jun"
    assert len(reads) == 2
    now += jwks.READ_AGAIN_S
    file.write_text("half of a fi")
    refusal_of(sign_token(EC, "ES256", kid="ec-3"))
    assert user_tokens.verify_token(new).user == "jun", "what is known stays known"


def _odd_kid(kid: Any) -> str:
    return raw_token(
        json.dumps({"alg": "ES256", "kid": kid}).encode(), json.dumps(token_claims()).encode(), b"x"
    )


@pytest.mark.usefixtures("public_keys")
def test_keys_that_cannot_be_read_are_not_the_tokens_fault(settings: Any) -> None:
    Path(settings.JWT_JWKS_FILE).write_text("half of a fi")
    for _ in range(2):
        with pytest.raises(ValueError, match="Expecting value"):
            user_tokens.verify_token(sign_token(RSA, "RS256", kid="rsa-1"))


@pytest.mark.usefixtures("public_keys")
def test_where_public_keys_are_set_no_shared_secret_is_believed() -> None:
    """The public key is known to all: an attacker could use it as the secret of an HS256 token."""
    pem = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = b'{"alg":"HS256","kid":"rsa-1"}'
    unsigned = raw_token(head, json.dumps(token_claims()).encode()).rpartition(".")[0]
    for secret in (pem, pem.strip(), SECRET.encode()):
        signature = jwt.get_algorithm_by_name("HS256").sign(unsigned.encode(), secret)
        token = f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
        refusal_of(token)


def test_a_shared_secret_in_the_file_of_public_keys_is_not_believed(
    settings: Any, tmp_path: Path
) -> None:
    secret = base64.urlsafe_b64encode(SECRET.encode()).rstrip(b"=").decode()
    file = tmp_path / "jwks.json"
    keys = [{"kty": "oct", "kid": "s", "alg": "HS256", "k": secret}, _jwk(EC, "ec-1")]
    file.write_text(json.dumps({"keys": keys}))
    settings.JWT_JWKS_FILE = str(file)
    refusal_of(sign_token(SECRET, "HS256", kid="s"))


def test_a_single_key_without_a_name_serves_tokens_without_one(
    settings: Any, tmp_path: Path
) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [_jwk(EC, None)]}))
    settings.JWT_JWKS_FILE = str(file)
    assert user_tokens.verify_token(sign_token(EC, "ES256")).user == "jun"
    refusal_of(sign_token(EC, "ES256", kid="ec-1"))


@pytest.mark.usefixtures("public_keys")
def test_the_command_refuses_where_the_shop_signs() -> None:
    with pytest.raises(CommandError, match="signed by the shop"):
        call_command("user_token", "jun")
