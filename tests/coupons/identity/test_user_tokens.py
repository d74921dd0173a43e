"""User tokens: which are accepted, whom they name; no two users are confused."""

import base64
import hmac
import json
import time
from io import StringIO
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.management import CommandError, call_command

from coupons.identity import user_tokens
from coupons.identity.user_tokens import Caller
from tests.coupons.identity.signing import SECRET, raw_token, refusal_of, sign_token, token_claims

pytestmark = pytest.mark.usefixtures("shared_secret")


# One shared secret


def test_a_good_token_names_user_and_segments() -> None:
    assert user_tokens.verify_token(sign_token()) == Caller("jun")
    assert user_tokens.verify_token(sign_token(segments=["gold", "new"])) == Caller(
        "jun", ("gold", "new")
    )
    assert user_tokens.verify_token(sign_token(aud=["others", "coupons"])) == Caller("jun")


def test_what_is_minted_here_is_believed_here() -> None:
    assert user_tokens.verify_token(user_tokens.mint_token("세진", segments=("gold",))) == Caller(
        "세진", ("gold",)
    )


def test_an_expired_token_is_refused_but_for_a_few_seconds_of_clock() -> None:
    now = int(time.time())
    assert user_tokens.verify_token(sign_token(exp=now - user_tokens.LEEWAY_S + 3)).user == "jun"
    assert "expired" in refusal_of(sign_token(exp=now - user_tokens.LEEWAY_S - 1))


def test_a_token_from_the_future_is_refused() -> None:
    now = int(time.time())
    assert user_tokens.verify_token(sign_token(nbf=now, iat=now)).user == "jun"
    assert refusal_of(sign_token(nbf=now + 60))
    assert refusal_of(sign_token(iat=now + 60))


@pytest.mark.parametrize("name", ["exp", "iss", "aud", "sub"])
def test_a_token_that_leaves_out_a_claim_is_refused(name: str) -> None:
    assert name in refusal_of(sign_token(**{name: None}))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://shop.example.evil"}, {"iss": ""}, {"iss": ["https://shop.example"]},
        {"iss": 1}, {"aud": "coupons-test"}, {"aud": []}, {"aud": ["others"]}, {"aud": 1},
        {"aud": "COUPONS"}, {"exp": "soon"}, {"exp": []}, {"exp": {}}, {"exp": True},
        {"exp": float("inf")}, {"exp": float("nan")}, {"exp": -1},
        {"nbf": "x"}, {"nbf": []}, {"nbf": float("inf")}, {"iat": {}}, {"iat": float("inf")},
        {"segments": "gold"}, {"segments": [1]}, {"segments": {"gold": 1}}, {"segments": False},
    ],
    ids=repr,
)  # fmt: skip
def test_a_token_with_a_wrong_value_is_refused(changes: dict[str, Any]) -> None:
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(token_claims(**changes)).encode()).rstrip(b"=")
    algorithm = jwt.get_algorithm_by_name("HS256")
    signature = algorithm.sign(head + b"." + body, algorithm.prepare_key(SECRET))
    token = b".".join((head, body, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()
    refusal_of(token)


def test_another_secret_or_a_changed_token_is_refused() -> None:
    refusal_of(sign_token(SECRET + "!"))
    head, body, signature = sign_token().split(".")
    other = raw_token(b"", json.dumps(token_claims(sub="sora")).encode()).split(".")[1]
    refusal_of(f"{head}.{other}.{signature}")
    refusal_of(f"{head}.{body}.")
    refusal_of(f"{head}.{body}.{signature[:-2]}")
    refusal_of(f"{head}.{body}")


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"none"}', b'{"alg":"None"}', b'{"alg":"NONE","typ":"JWT"}', b'{"alg":""}',
        b'{"alg":null}', b'{"alg":[]}', b'{"alg":["HS256"]}', b'{"alg":{}}', b"{}", b"[]", b"null",
        b'{"alg":"HS512"}', b'{"alg":"RS256"}', b'{"alg":"HS256","crit":["x"]}', b"\xff", b"{",
        b'{"alg":"HS256","kid":1}', b'{"alg":"HS256","kid":[]}', b'{"alg":"HS256","b64":false}',
        b"[" * 3000, b'{"a":' * 600 + b"1" + b"}" * 600,
    ],
    ids=lambda header: repr(header[:30]),
)  # fmt: skip
def test_an_unsigned_token_is_refused_whatever_its_header_says(header: bytes) -> None:
    body = json.dumps(token_claims()).encode()
    refusal_of(raw_token(header, body))
    refusal_of(raw_token(header, body, b"\x00" * 32))


@pytest.mark.parametrize("number", range(3), ids=["header", "payload", "signature"])
@pytest.mark.parametrize("spelling", ["{}=", "{}==", "{}\n", " {}", "{}!", "{}."])
def test_a_token_has_one_spelling(number: int, spelling: str) -> None:
    parts = sign_token().split(".")
    assert user_tokens.verify_token(".".join(parts)).user == "jun"
    parts[number] = spelling.format(parts[number])
    refusal_of(".".join(parts))


@pytest.mark.parametrize("token", ["", ".", "..", "...", "a.b.c", "jun", "세.션.!", "a" * 4000])
def test_what_is_no_token_is_refused(token: str) -> None:
    refusal_of(token)


@pytest.mark.parametrize("sub", ["", "x" * 129, "세" * 43, 1, 1.5, True, [], ["jun"], {}], ids=repr)
def test_a_subject_is_text_of_1_to_128_bytes(sub: Any) -> None:
    head = {"alg": "HS256", "typ": "JWT"}
    payload = json.dumps(token_claims(sub=sub)).encode()
    refusal_of(jwt.PyJWS().encode(payload, SECRET, "HS256", head))


def test_a_lone_surrogate_is_no_text() -> None:
    payload = json.dumps(token_claims()).replace('"jun"', '"\\ud800"').encode()
    assert "subject" in refusal_of(jwt.PyJWS().encode(payload, SECRET, "HS256"))


@pytest.mark.parametrize("longest", ["x" * 128, "세" * 42 + "xx"])
def test_a_subject_of_128_bytes_is_welcome(longest: str) -> None:
    assert user_tokens.verify_token(sign_token(sub=longest)).user == longest


# Which tokens are users' tokens


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_types_of_an_access_token_are_accepted(typ: str | None) -> None:
    assert user_tokens.verify_token(_typed_token(typ)).user == "jun"


@pytest.mark.parametrize(
    "typ", ["logout+jwt", "secevent+jwt", "dpop+jwt", "JOSE", "", "JWT ", 1, ["JWT"], True]
)
def test_what_is_signed_for_another_purpose_is_no_users_token(typ: Any) -> None:
    assert "another type" in refusal_of(_typed_token(typ))


def _typed_token(typ: Any) -> str:
    header = {"alg": "HS256"} if typ is None else {"alg": "HS256", "typ": typ}
    unsigned = raw_token(json.dumps(header).encode(), json.dumps(token_claims()).encode())
    signed = unsigned.rpartition(".")[0].encode()
    signature = jwt.get_algorithm_by_name("HS256").sign(signed, SECRET.encode())
    return f"{signed.decode()}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_a_token_that_is_valid_for_too_long_is_refused(settings: Any) -> None:
    """M4: one with exp = 2⁵⁵ was good for ever."""
    settings.JWT_LONGEST_S = 86_400
    now = int(time.time())
    for _ in range(2):  # the second time by the fast verification
        assert user_tokens.verify_token(sign_token(exp=now + 86_400)).user == "jun"
        for far in (now + 86_500, 2**31, 2**55, 2**80, 1e18):
            assert "too long" in refusal_of(sign_token(exp=far))
    settings.JWT_LONGEST_S = 2**60  # the control
    assert user_tokens.verify_token(sign_token(exp=2**55)).user == "jun"


# Several secrets, while one takes the place of another


def test_during_a_rotation_both_secrets_are_good_and_afterwards_the_new_one_alone(
    settings: Any,
) -> None:
    """M4: with one secret, the tokens of half a rotation are refused."""
    new, older = "the shop's new secret " + "n" * 40, "a former one " + "o" * 40
    old_token, new_token, oldest = sign_token(), sign_token(new), sign_token(older)
    settings.JWT_HS256_SECRET = new
    assert "signature" in refusal_of(old_token)  # the control
    settings.JWT_HS256_PREVIOUS = [SECRET, older]
    for _ in range(2):
        for token in (old_token, new_token, oldest, sign_token(kid="1"), sign_token(new, kid="1")):
            assert user_tokens.verify_token(token).user == "jun"
        assert "signature" in refusal_of(sign_token("a stranger's " + "s" * 40))
    settings.JWT_HS256_PREVIOUS = []
    assert user_tokens.verify_token(new_token).user == "jun"
    for token in (old_token, oldest):
        assert "signature" in refusal_of(token)


@pytest.mark.parametrize("form", ["pem", "ssh", "jwk"])
def test_a_public_key_is_no_shared_secret(settings: Any, form: str) -> None:
    """M2: everybody has the shop's public key, and could sign with it."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    encodings = {
        "pem": (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "ssh": (Encoding.OpenSSH, PublicFormat.OpenSSH),
    }
    if form == "jwk":
        text = jwt.get_algorithm_by_name("ES256").to_jwk(key)
    else:
        text = key.public_bytes(*encodings[form]).decode()
    settings.JWT_HS256_SECRET = text
    head = b'{"alg":"HS256","typ":"JWT"}'
    signed = raw_token(head, json.dumps(token_claims()).encode()).rpartition(".")[0]
    signature = hmac.digest(text.encode(), signed.encode(), "sha256")
    token = f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    with pytest.raises(ValueError, match="HMAC secret"):
        user_tokens.verify_token(token)


# manage.py user_token


@pytest.mark.django_db  # the audit log has a row for each command
def test_the_command_prints_a_token_that_is_believed() -> None:
    out = StringIO()
    call_command("user_token", "jun", segment=["gold"], stdout=out)
    assert user_tokens.verify_token(out.getvalue().strip()) == Caller("jun", ("gold",))


@pytest.mark.parametrize("user", ["", "x" * 129])
def test_the_command_refuses_a_user_no_token_may_name(user: str) -> None:
    with pytest.raises(CommandError, match="128 bytes"):
        call_command("user_token", user)


@pytest.mark.django_db
def test_the_command_prints_no_token_that_would_be_refused(settings: Any) -> None:
    settings.JWT_LONGEST_S = 3600
    with pytest.raises(CommandError, match="would be refused"):
        call_command("user_token", "jun", minutes=61, stdout=StringIO())
    out = StringIO()
    call_command("user_token", "jun", minutes=60, stdout=out)
    assert user_tokens.verify_token(out.getvalue().strip()).user == "jun"
