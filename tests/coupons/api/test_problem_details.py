"""A problem document is in one language: no Korean title with an English detail (issue 12, part
28)."""

import ast
import io
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest
from django.conf import settings
from django.test import Client

from coupons import errors
from coupons.admission import queued
from coupons.api import problems, translations
from coupons.identity import user_tokens
from tests.conftest import CampaignMaker, Person

HANGUL = re.compile("[가-힣]")
CLAIMS = "/api/v1/campaigns/sale/claims"


def user_token(**claims: Any) -> str:
    said = {"iss": settings.JWT_ISSUER, "aud": settings.JWT_AUDIENCE, "sub": "jun"}
    said |= {"exp": int(time.time()) + 60} | claims
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, settings.JWT_HS256_SECRET, algorithm="HS256")


TOKENS: dict[str, Callable[[], str]] = {
    "expired": lambda: user_token(exp=1),
    "early": lambda: user_token(nbf=int(time.time()) + 600),
    "audience": lambda: user_token(aud="others"),
    "issuer": lambda: user_token(iss="others"),
    "no exp": lambda: user_token(exp=None),
    "no sub": lambda: user_token(sub=None),
    "no text": lambda: user_token(sub=""),
    "segments": lambda: user_token(segments=[1]),
    "signature": lambda: user_token()[:-6] + "AAAAAA",
    "algorithm": lambda: jwt.encode({"sub": "x"}, None, algorithm="none"),  # type: ignore[arg-type]
    "noise": lambda: "x",
    "noise in three": lambda: "a.b.c",
}
BODIES = [
    b"{", b"[]", b"1", b"[" * 2000, b'{"nth": 7}', b'{"nth": "1"}', b'{"user": "x"}',
    b'{"nth": 1, "nth": 1}', b"x" * 5000, '{"\u043dth: x": 1}'.encode(), b'{"a: b": 1}',
]  # fmt: skip


def in_korean(response: Any) -> dict[str, Any]:
    """The problem document, after checking that all its sentences are Korean."""
    said: dict[str, Any] = response.json()
    sentences = [said["title"], *([said["detail"]] if "detail" in said else [])]
    sentences += [error["why"] for error in said.get("errors", ())]
    assert [text for text in sentences if not HANGUL.search(text)] == []
    assert response["Content-Language"] == "ko"
    return said


@pytest.fixture
def korean_client(open_campaign: CampaignMaker) -> Client:
    open_campaign()
    client = Person("jun").client
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ko"
    return client


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_error_is_in_one_language(korean_client: Client, kind: str) -> None:
    headers = {"Authorization": f"Bearer {TOKENS[kind]()}"}
    assert in_korean(korean_client.post(CLAIMS, headers=headers))["code"] == "bad_token"


@pytest.mark.parametrize("header", ["Basic x", "Bearer", None])
def test_an_authorization_header_error_is_in_one_language(
    korean_client: Client, header: str | None
) -> None:
    headers = {"Authorization": header} if header else {}
    in_korean(Client(headers={"Accept-Language": "ko"} | headers).post(CLAIMS))


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:20]))
def test_a_body_error_is_in_one_language(korean_client: Client, body: bytes) -> None:
    said = in_korean(korean_client.generic("POST", CLAIMS, body, "application/json"))
    for error in said.get("errors", ()):
        assert said["detail"] == f"{error['field']}: {error['why']}"


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "", 'a"b', "x\n"]
)
def test_a_content_type_error_is_in_one_language(korean_client: Client, kind: str) -> None:
    in_korean(korean_client.generic("POST", CLAIMS, b"{}", kind))


@pytest.mark.parametrize(
    "path",
    [
        "campaigns/nosuch", "campaigns/NO SUCH", "campaigns/sale/claims", "coupons/0000", "nowhere",
        "coupons/0000-0000-0000-0000", "coupons?limit=x", "coupons?cursor=x", "claims",
        "campaigns/sale/claims/me?nth=9",
    ],
)  # fmt: skip
def test_a_path_error_is_in_one_language(korean_client: Client, path: str) -> None:
    for _ in range(2):  # an unknown campaign is remembered, and told in other words
        in_korean(korean_client.get(f"/api/v1/{path}"))


def test_a_receipt_error_is_in_one_language(korean_client: Client) -> None:
    for body in (b"{}", b'{"receipt": 1}', b'{"other": 1}'):
        in_korean(
            korean_client.generic("POST", "/api/v1/receipts/verify", body, "application/json")
        )


@pytest.mark.usefixtures("one_second")
@pytest.mark.parametrize("limit", [1, 2])
def test_14_a_number_of_one_has_no_plural(
    open_campaign: CampaignMaker, settings: Any, limit: int
) -> None:
    settings.CLAIMS_PER_USER_PER_S, settings.REDIS_WAIT_REPLICAS = limit, limit
    open_campaign()
    english, korean = Person("jun"), Person("mina")
    korean.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ko"
    claims, replicas = ("claims", "replicas") if limit > 1 else ("claim", "replica")
    for person in (english, korean):
        unconfirmed = person.claims()
        assert unconfirmed.json()["code"] == "outcome_unknown"
        refused = [person.claims() for _ in range(limit)][-1]
        if person is english:
            text = f"Fewer than {limit} {replicas} confirmed in time."
            assert unconfirmed.json()["detail"] == text
            text = f"More than {limit} {claims} in a second. Please wait."
            assert refused.json()["detail"] == text
        else:
            in_korean(unconfirmed)
            in_korean(refused)


def test_14_a_body_of_one_byte_is_no_bytes(korean_client: Client) -> None:
    raw: dict[str, Any] = {"wsgi.input": io.BytesIO(b"{"), "CONTENT_LENGTH": "5"}
    in_korean(korean_client.post(CLAIMS, content_type="application/json", **raw))
    raw |= {"wsgi.input": io.BytesIO(b"{"), "HTTP_ACCEPT_LANGUAGE": "en"}
    english = korean_client.post(CLAIMS, content_type="application/json", **raw).json()
    assert english["errors"][0]["why"] == "has 1 byte where 5 were announced"


def test_a_document_with_an_untranslated_part_stays_english_as_a_whole() -> None:
    title = "The request is not understood"
    for more in ({}, {"errors": [{"field": "a", "why": "is untranslated"}]}):
        body = orjson.dumps(
            problems.problem_document(400, "bad_input", title, "untranslated", **more)
        )
        assert translations.translated_document(body, "ko") == (body, "")
    body = problems.encoded_problem(400, "bad_input", title, "")
    translated, language = translations.translated_document(body, "ko")
    assert (language, bool(HANGUL.search(orjson.loads(translated)["title"]))) == ("ko", True)


# Every text that the code raises in an error that a client may get


def error_names(kind: type[errors.CouponError] = errors.CouponError) -> Iterator[str]:
    """Names of all error classes, except those that only operators see."""
    if kind in (errors.Refused, errors.StoreAway, errors.DatabaseAway, errors.StaleClaims):
        return
    yield kind.__name__
    for each in kind.__subclasses__():
        yield from error_names(each)


ANSWERING = (
    "api/**/*.py", "identity/*.py", "admission/*.py", "campaigns/lookup.py",
    "issuing/claim_status.py", "claims/stranger_*.py", "bulk/reading.py",
    "store/admission.py", "store/server_identity.py",
)  # fmt: skip
MODULES = [file for pattern in ANSWERING for file in Path("coupons").glob(pattern)]


def raised_errors() -> Iterator[str]:
    """The texts of raised errors, with a 7 in place of each value."""
    names = {*error_names(), "NotVerified", "OddValue", "BadLine"}
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text())):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[*_, last]) if name in names:
                    yield from _text(last)


def _text(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(str(text)):
            yield text
        case ast.JoinedStr(parts):
            yield "".join(map(_part, parts))
        case ast.IfExp(body=one, orelse=many):
            yield from (*_text(one), *_text(many))


def _part(part: ast.expr) -> str:
    match part:
        case ast.Constant(str(text)):
            return text
        case ast.FormattedValue(conversion=conversion) if conversion == ord("r"):
            return "'7'"
    return "7"


def test_every_detail_that_a_client_may_hear_has_its_korean() -> None:
    found = {*raised_errors(), *user_tokens._REFUSAL_TEXTS.values(), problems._ASK_AGAIN}
    found |= {sentence.format("sale") for sentence in queued._ERROR_TEXTS.values()}
    assert len(found) > 25
    assert sorted(text for text in found if not translations._translated_text(text, "ko")) == []
