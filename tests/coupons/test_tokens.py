"""User tokens: which are believed, whom they name, and that no two users are taken for one."""

import base64
import json
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.core.management import CommandError, call_command

from coupons import drain, tokens
from coupons.errors import BadToken
from coupons.models import Coupon
from coupons.tokens import Caller
from tests.conftest import CampaignMaker, Person

SECRET = "the shop's and ours, " + "x" * 40
FOREVER_S = 3600


@pytest.fixture(autouse=True)
def shared_secret(settings: Any) -> Iterator[None]:
    settings.JWT_HS256_SECRET, settings.JWT_JWKS_FILE = SECRET, ""
    settings.JWT_ISSUER, settings.JWT_AUDIENCE = "https://shop.example", "coupons"
    tokens.forget_keys()
    yield
    tokens.forget_keys()


def said(**changes: Any) -> dict[str, Any]:
    """What a good token says; None leaves a claim out."""
    good = {
        "iss": "https://shop.example",
        "aud": "coupons",
        "sub": "jun",
        "exp": int(time.time()) + FOREVER_S,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(key: Any = SECRET, algorithm: str = "HS256", /, kid: Any = None, **changes: Any) -> str:
    return jwt.encode(said(**changes), key, algorithm, headers={"kid": kid} if kid else None)


def raw(header: bytes, payload: bytes, signature: bytes = b"") -> str:
    parts = [base64.urlsafe_b64encode(part).rstrip(b"=") for part in (header, payload, signature)]
    return b".".join(parts).decode()


def refused(token: str) -> str:
    with pytest.raises(BadToken) as caught:
        tokens.verify(token)
    return str(caught.value)


# One shared secret


def test_a_good_token_names_user_and_segments() -> None:
    assert tokens.verify(signed()) == Caller("jun")
    assert tokens.verify(signed(segments=["gold", "new"])) == Caller("jun", ("gold", "new"))
    assert tokens.verify(signed(aud=["others", "coupons"])) == Caller("jun")


def test_what_is_minted_here_is_believed_here() -> None:
    assert tokens.verify(tokens.mint("세진", segments=("gold",))) == Caller("세진", ("gold",))


def test_an_expired_token_is_refused_but_for_a_few_seconds_of_clock() -> None:
    now = int(time.time())
    assert tokens.verify(signed(exp=now - tokens.LEEWAY_S + 3)).user == "jun"
    assert "expired" in refused(signed(exp=now - tokens.LEEWAY_S - 1))


def test_a_token_from_the_future_is_refused() -> None:
    now = int(time.time())
    assert tokens.verify(signed(nbf=now, iat=now)).user == "jun"
    assert refused(signed(nbf=now + 60))
    assert refused(signed(iat=now + 60))


@pytest.mark.parametrize("name", ["exp", "iss", "aud", "sub"])
def test_a_token_that_leaves_out_a_claim_is_refused(name: str) -> None:
    assert name in refused(signed(**{name: None}))


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
    body = base64.urlsafe_b64encode(json.dumps(said(**changes)).encode()).rstrip(b"=")
    algorithm = jwt.get_algorithm_by_name("HS256")
    signature = algorithm.sign(head + b"." + body, algorithm.prepare_key(SECRET))
    token = b".".join((head, body, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()
    refused(token)


def test_another_secret_or_a_changed_token_is_refused() -> None:
    refused(signed(SECRET + "!"))
    head, body, signature = signed().split(".")
    other = raw(b"", json.dumps(said(sub="sora")).encode()).split(".")[1]
    refused(f"{head}.{other}.{signature}")
    refused(f"{head}.{body}.")
    refused(f"{head}.{body}.{signature[:-2]}")
    refused(f"{head}.{body}")


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
    body = json.dumps(said()).encode()
    refused(raw(header, body))
    refused(raw(header, body, b"\x00" * 32))


@pytest.mark.parametrize("token", ["", ".", "..", "...", "a.b.c", "jun", "세.션.!", "a" * 4000])
def test_what_is_no_token_is_refused(token: str) -> None:
    refused(token)


@pytest.mark.parametrize("sub", ["", "x" * 129, "세" * 43, 1, 1.5, True, [], ["jun"], {}], ids=repr)
def test_a_subject_is_text_of_1_to_128_bytes(sub: Any) -> None:
    head = {"alg": "HS256", "typ": "JWT"}
    payload = json.dumps(said(sub=sub)).encode()
    refused(jwt.PyJWS().encode(payload, SECRET, "HS256", head))


def test_a_lone_surrogate_is_no_text() -> None:
    payload = json.dumps(said()).replace('"jun"', '"\\ud800"').encode()
    assert "subject" in refused(jwt.PyJWS().encode(payload, SECRET, "HS256"))


@pytest.mark.parametrize("longest", ["x" * 128, "세" * 42 + "xx"])
def test_a_subject_of_128_bytes_is_welcome(longest: str) -> None:
    assert tokens.verify(signed(sub=longest)).user == longest


# Public keys of the shop


def _jwk(key: Any, kid: str | None) -> dict[str, Any]:
    public = key.public_key()
    kind = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    said: dict[str, Any] = json.loads(jwt.get_algorithm_by_name(kind).to_jwk(public))
    return said | ({"kid": kid} if kid else {}) | {"use": "sig", "alg": kind}


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def public_keys(settings: Any, tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [_jwk(RSA, "rsa-1"), _jwk(EC, "ec-1")]}))
    settings.JWT_JWKS_FILE = str(file)


@pytest.mark.usefixtures("public_keys")
def test_rs256_and_es256_are_believed_by_the_shops_public_keys() -> None:
    assert tokens.verify(signed(RSA, "RS256", kid="rsa-1")).user == "jun"
    assert tokens.verify(signed(EC, "ES256", kid="ec-1")).user == "jun"


@pytest.mark.usefixtures("public_keys")
def test_a_token_names_one_of_our_keys_and_fits_it() -> None:
    for token in (
        signed(RSA, "RS256"),
        signed(RSA, "RS256", kid="rsa-2"),
        signed(RSA, "RS256", kid="ec-1"),
        signed(EC, "ES256", kid="rsa-1"),
        signed(RSA, "RS512", kid="rsa-1"),
        signed(RSA, "PS256", kid="rsa-1"),
        signed(rsa.generate_private_key(65537, 2048), "RS256", kid="rsa-1"),
        raw(b'{"alg":"none","kid":"rsa-1"}', json.dumps(said()).encode()),
        raw(b'{"alg":"RS256","kid":[]}', json.dumps(said()).encode(), b"x"),
    ):
        refused(token)


@pytest.mark.usefixtures("public_keys")
def test_a_key_added_by_the_shop_is_found_without_a_restart_and_made_up_names_cost_nothing(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr("coupons.tokens.time.monotonic", lambda: now)
    reads: list[str] = []
    real = Path.read_text

    def counted(file: Path) -> str:
        reads.append(str(file))
        return real(file)

    monkeypatch.setattr(Path, "read_text", counted)
    new = signed(EC, "ES256", kid="ec-2")
    assert tokens.verify(signed(RSA, "RS256", kid="rsa-1")).user == "jun"
    file = Path(settings.JWT_JWKS_FILE)
    file.write_text(json.dumps({"keys": [_jwk(RSA, "rsa-1"), _jwk(EC, "ec-2")]}))
    for kid in ("ec-2", *(f"made-up-{n}" for n in range(50)), 7, ["list"], {"a": 1}):
        refused(signed(EC, "ES256", kid=kid) if isinstance(kid, str) else _odd_kid(kid))
    assert len(reads) == 1
    now += tokens.READ_AGAIN_S
    assert tokens.verify(new).user == "jun"
    assert len(reads) == 2
    now += tokens.READ_AGAIN_S
    file.write_text("half of a fi")
    refused(signed(EC, "ES256", kid="ec-3"))
    assert tokens.verify(new).user == "jun", "what is known stays known"


def _odd_kid(kid: Any) -> str:
    return raw(json.dumps({"alg": "ES256", "kid": kid}).encode(), json.dumps(said()).encode(), b"x")


@pytest.mark.usefixtures("public_keys")
def test_keys_that_cannot_be_read_are_not_the_tokens_fault(settings: Any) -> None:
    Path(settings.JWT_JWKS_FILE).write_text("half of a fi")
    for _ in range(2):
        with pytest.raises(ValueError, match="Expecting value"):
            tokens.verify(signed(RSA, "RS256", kid="rsa-1"))


@pytest.mark.usefixtures("public_keys")
def test_where_public_keys_are_set_no_shared_secret_is_believed() -> None:
    """The public key is public: whoever has it could sign HS256 with it as the secret."""
    pem = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = b'{"alg":"HS256","kid":"rsa-1"}'
    unsigned = raw(head, json.dumps(said()).encode()).rpartition(".")[0]
    for secret in (pem, pem.strip(), SECRET.encode()):
        signature = jwt.get_algorithm_by_name("HS256").sign(unsigned.encode(), secret)
        token = f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
        refused(token)


def test_a_shared_secret_in_the_file_of_public_keys_is_not_believed(
    settings: Any, tmp_path: Path
) -> None:
    secret = base64.urlsafe_b64encode(SECRET.encode()).rstrip(b"=").decode()
    file = tmp_path / "jwks.json"
    keys = [{"kty": "oct", "kid": "s", "alg": "HS256", "k": secret}, _jwk(EC, "ec-1")]
    file.write_text(json.dumps({"keys": keys}))
    settings.JWT_JWKS_FILE = str(file)
    refused(signed(SECRET, "HS256", kid="s"))


def test_a_single_key_without_a_name_serves_tokens_without_one(
    settings: Any, tmp_path: Path
) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [_jwk(EC, None)]}))
    settings.JWT_JWKS_FILE = str(file)
    assert tokens.verify(signed(EC, "ES256")).user == "jun"
    refused(signed(EC, "ES256", kid="ec-1"))


# manage.py user_token


def test_the_command_prints_a_token_that_is_believed() -> None:
    out = StringIO()
    call_command("user_token", "jun", segment=["gold"], stdout=out)
    assert tokens.verify(out.getvalue().strip()) == Caller("jun", ("gold",))


@pytest.mark.usefixtures("public_keys")
def test_the_command_refuses_where_the_shop_signs() -> None:
    with pytest.raises(CommandError, match="signed by the shop"):
        call_command("user_token", "jun")


@pytest.mark.parametrize("user", ["", "x" * 129])
def test_the_command_refuses_a_user_no_token_may_name(user: str) -> None:
    with pytest.raises(CommandError, match="1 to 128 bytes"):
        call_command("user_token", user)


# Identity

ODD_USERS = [
    "Kim", "kim", "KIM", "ＫＩＭ", "kim ", " kim", "kim\t", "k\u200bim", "кim",
    "Andr\u00e9", "Andre\u0301", "stra\u00dfe", "strasse", "\u0130", "i", "\u0131",
    "세진", "\u1109\u1166\u110c\u1175\u11ab", "🐣", "🐣\ufe0f", "👩‍💻",
    "a\x00", "a", "a\x00b", "a\r\nb", "a\nb", "{sale}", "}{", "a:b", "1:a", "2:a", ":", "*", "%",
    "\x06\x16", "' OR 1=1 --", "<script>", "../jun", "null", "0", "-1", "1e3", "\\", "x" * 128,
]  # fmt: skip


@pytest.mark.stores
def test_users_that_look_alike_are_different_people_each_with_a_coupon_of_their_own(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy, stock=len(ODD_USERS), per_user=2)
    told = {}
    for user in ODD_USERS:
        answer = Person(user).claims()
        assert answer.status_code in (201, 202), (user, answer.content)
        told[user] = answer.json()
        assert Person(user).claims().content == answer.content, user
    if strategy == "queued":
        done = drain.drain("sale", consumer="test")
        assert (done.stored, done.parked) == (len(ODD_USERS), 0)
    assert {place: user for user, place in Coupon.objects.values_list("user", "place")} == {
        answer["place"]: user for user, answer in told.items()
    }
    assert sorted(answer["place"] for answer in told.values()) == [*range(1, len(ODD_USERS) + 1)]
    for user, answer in told.items():
        person = Person(user)
        assert person.asks("campaigns/sale/claims/me").json()["place"] == answer["place"], user
        [mine] = person.asks("coupons").json()["results"]
        assert mine["code"] == answer["code"], user
        assert person.asks(f"coupons/{answer['code']}").status_code == 200, user
