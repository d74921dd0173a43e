"""Tokens that the shop signs, verified with its public keys."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from django.core.management import CommandError, call_command

from coupons.identity import fast_verify, keys_in_force, user_tokens
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
    monkeypatch.setattr("coupons.identity.keys_in_force.time.monotonic", lambda: now)
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
    now += keys_in_force.LOOK_AGAIN_S
    assert user_tokens.verify_token(new).user == "jun"
    assert len(reads) == 2
    now += keys_in_force.LOOK_AGAIN_S
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


def _write_keys(settings: Any, tmp_path: Path, *jwks: Any) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": jwks}))
    settings.JWT_JWKS_FILE = str(file)
    keys_in_force.forget_keys()


def test_eddsa_is_believed(settings: Any, tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    jwk = json.loads(jwt.get_algorithm_by_name("EdDSA").to_jwk(key.public_key()))
    _write_keys(settings, tmp_path, jwk | {"kid": "ed-1"})
    for _ in range(2):
        assert user_tokens.verify_token(sign_token(key, "EdDSA", kid="ed-1")).user == "jun"
        refusal_of(sign_token(ed25519.Ed25519PrivateKey.generate(), "EdDSA", kid="ed-1"))


# Keys that leave


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets so many seconds pass."""
    now = [time.monotonic()]
    monkeypatch.setattr("coupons.identity.keys_in_force.time.monotonic", lambda: now[0])

    def let_pass(seconds: float) -> None:
        now[0] += seconds

    return let_pass


def _leave(settings: Any, clock: Callable[[float], None]) -> str:
    """A token whose key leaves the file a minute ago. No token names a key that is unknown."""
    leaving = sign_token(RSA, "RS256", kid="rsa-1")
    for _ in range(2):  # its header is learned
        assert user_tokens.verify_token(leaving).user == "jun"
    Path(settings.JWT_JWKS_FILE).write_text(json.dumps({"keys": [_jwk(EC, "ec-1")]}))
    assert user_tokens.verify_token(leaving).user == "jun", "for a minute at most"
    clock(keys_in_force.LOOK_AGAIN_S)
    return leaving


@pytest.mark.usefixtures("public_keys")
def test_a_key_that_left_the_file_is_not_believed_after_a_minute(
    settings: Any, clock: Callable[[float], None]
) -> None:
    """M3: it was, until a token named an unknown key."""
    leaving = _leave(settings, clock)
    assert "no key" in refusal_of(leaving)
    assert user_tokens.verify_token(sign_token(EC, "ES256", kid="ec-1")).user == "jun"


@pytest.mark.usefixtures("public_keys")
def test_without_a_look_at_the_file_it_would_be_believed(
    settings: Any, clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr("coupons.identity.jwks.file_version", lambda path: (0, 0, 0))
    assert user_tokens.verify_token(_leave(settings, clock)).user == "jun"


@pytest.mark.usefixtures("public_keys")
def test_a_request_that_began_before_teaches_the_new_keys_nothing(
    settings: Any, clock: Callable[[float], None]
) -> None:
    before = keys_in_force.current_keys()
    [key] = before.named("rsa-1")
    leaving = _leave(settings, clock)
    before.learn_header(leaving.encode().partition(b".")[0], key)
    assert fast_verify.verify_fast(leaving) is None


@pytest.mark.usefixtures("public_keys")
def test_an_unchanged_file_is_not_read_again(
    clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = sign_token(RSA, "RS256", kid="rsa-1")
    assert user_tokens.verify_token(token).user == "jun"
    known = keys_in_force.current_keys()
    for _ in range(5):
        clock(keys_in_force.LOOK_AGAIN_S)
        assert user_tokens.verify_token(token).user == "jun"
    assert keys_in_force.current_keys() is known


# Keys that are none of ours

P384 = ec.generate_private_key(ec.SECP384R1())
ED448 = ed448.Ed448PrivateKey.generate()
SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024)


def _private_jwk() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(jwt.get_algorithm_by_name("RS256").to_jwk(RSA))
    return found | {"kid": "odd", "key_ops": ["verify"]}


def _ed448_jwk() -> dict[str, Any]:
    found = json.loads(jwt.get_algorithm_by_name("EdDSA").to_jwk(ED448.public_key()))
    return dict(found, kid="odd", alg="EdDSA")


ODD_KEYS: dict[str, tuple[Any, tuple[Any, str]]] = {
    "for encryption": (_jwk(RSA, "odd") | {"use": "enc"}, (RSA, "RS256")),
    "of an unknown use": (_jwk(RSA, "odd") | {"use": None}, (RSA, "RS256")),
    "for signing only": (_jwk(RSA, "odd") | {"key_ops": ["sign"]}, (RSA, "RS256")),
    "of 1,024 bits": (_jwk(SMALL, "odd"), (SMALL, "RS256")),
    "on another curve": (_jwk(P384, "odd") | {"alg": "ES256"}, (P384, "ES384")),
    "Ed448": (_ed448_jwk(), (ED448, "EdDSA")),
    "of another algorithm": (_jwk(RSA, "odd") | {"alg": "RS512"}, (RSA, "RS512")),
    "a private one": (_private_jwk(), (RSA, "RS256")),
    "without a name": (_jwk(RSA, None), (RSA, "RS256")),
    "named by a number": (_jwk(RSA, None) | {"kid": 7}, (RSA, "RS256")),
    "no object": ("odd", (RSA, "RS256")),
    "empty": ({}, (RSA, "RS256")),
    "of odd members": ({"kty": ["RSA"], "alg": [], "kid": "odd"}, (RSA, "RS256")),
    "without a modulus": ({"kty": "RSA", "e": 3, "kid": "odd"}, (RSA, "RS256")),
}


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits")  # signing with it
@pytest.mark.parametrize(("jwk", "signer"), ODD_KEYS.values(), ids=ODD_KEYS.keys())
def test_a_key_that_is_none_of_ours_is_left_out(
    settings: Any, tmp_path: Path, jwk: Any, signer: tuple[Any, str]
) -> None:
    """M3: keys for encryption and of 1,024 bits were believed."""
    _write_keys(settings, tmp_path, jwk, _jwk(EC, "ec-1"))
    for kid in ("odd", None):
        refusal_of(sign_token(*signer, kid=kid))
    assert user_tokens.verify_token(sign_token(EC, "ES256", kid="ec-1")).user == "jun"


def test_a_file_without_a_usable_key_is_no_file_of_keys(settings: Any, tmp_path: Path) -> None:
    for jwks in ([], [{"kty": "oct", "k": "AAAA"}], [_jwk(EC, None), _jwk(RSA, None)]):
        _write_keys(settings, tmp_path, *jwks)
        with pytest.raises(ValueError, match="holds no key"):
            user_tokens.verify_token(sign_token(EC, "ES256"))


def test_two_keys_of_one_name_are_refused(settings: Any, tmp_path: Path) -> None:
    _write_keys(settings, tmp_path, _jwk(EC, "one"), _jwk(RSA, "one"))
    with pytest.raises(ValueError, match="are called 'one'"):
        user_tokens.verify_token(sign_token(EC, "ES256", kid="one"))


def test_keys_for_encryption_are_no_fault_of_the_file(
    settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Keycloak publishes one beside the key that signs."""
    _write_keys(settings, tmp_path, _jwk(RSA, "enc") | {"use": "enc"}, _jwk(EC, None))
    assert user_tokens.verify_token(sign_token(EC, "ES256")).user == "jun"
    assert not caplog.records


@pytest.mark.usefixtures("public_keys")
def test_the_command_refuses_where_the_shop_signs() -> None:
    with pytest.raises(CommandError, match="signed by the shop"):
        call_command("user_token", "jun")
