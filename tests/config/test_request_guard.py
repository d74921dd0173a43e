"""13: a charset in a Content-Type reaches no codec; every failure gets an answer."""

import encodings
import io
import json
import secrets
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from config.request_guard import RequestGuard
from config.wsgi import application
from coupons.identity import user_tokens
from coupons.observability import metrics
from tests.conftest import CampaignMaker

pytestmark = pytest.mark.django_db

CODECS = ["rot13", "hex", "zip", "idna", "punycode", "undefined", "utf-16", "euc-kr", "no-such"]
KINDS = [
    "x; charset={}", "text/html;charset={}", "application/json; a=b; charset='{}'", "x;charset*={}",
    "application/x-www-form-urlencoded; charset={}", "multipart/form-data; boundary=b; charset={}",
    "x; a*={}''%41", ";charset={}", "x;;charset={}", 'x; charset="{}"',
]  # fmt: skip


def call_application(
    method: str, path: str, content_type: str, body: bytes = b""
) -> tuple[int, bytes]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "a=%EC%BF%A0",
        "CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "HTTP_AUTHORIZATION": f"Bearer {user_tokens.mint_token(secrets.token_hex(4))}",
    }  # fmt: skip
    setup_testing_defaults(environ)
    statuses: list[str] = []
    whole = b"".join(application(environ, lambda status, headers, *_: statuses.append(status)))
    return int(statuses[0].split()[0]), whole


@pytest.mark.parametrize("content_type", KINDS)
def test_a_charset_changes_no_answer(open_campaign: CampaignMaker, content_type: str) -> None:
    open_campaign()
    for codec in CODECS:
        declared = content_type.format(codec)
        assert call_application("GET", "/api/v1/campaigns/sale", declared)[0] == 200, declared
        assert call_application("GET", "/admin/login/", declared)[0] == 200, declared
        assert call_application("GET", "/no-such-page", declared)[0] == 404, declared
        assert call_application("POST", "/admin/login/", declared, b"a=1")[0] in (400, 403), (
            declared
        )
        assert call_application("POST", "/api/v1/receipts/verify", declared, b"{}")[0] in (
            400,
            415,
        ), declared


def test_json_may_say_that_it_is_utf_8(open_campaign: CampaignMaker) -> None:
    open_campaign()
    body = json.dumps({"receipt": "쿠폰"}).encode()
    status, answer = call_application(
        "POST", "/api/v1/receipts/verify", "application/json; charset=utf-8", body
    )
    assert status == 200, answer


@pytest.mark.parametrize("content_type", KINDS)
def test_no_name_of_a_codec_is_kept(open_campaign: CampaignMaker, content_type: str) -> None:
    open_campaign()
    call_application("GET", "/api/v1/campaigns/sale", content_type.format("utf-8"))
    cached = len(encodings._cache)
    for _ in range(20):
        call_application("GET", "/api/v1/campaigns/sale", content_type.format(secrets.token_hex(8)))
        call_application("POST", "/admin/login/", content_type.format(secrets.token_hex(8)), b"a=1")
    assert len(encodings._cache) == cached


def test_what_escapes_django_is_answered_and_counted() -> None:
    def raise_lookup_error(environ: Any, start: Any) -> Any:
        raise LookupError("not in the answer")

    before = metrics.RESPONSES.labels("500")._value.get()
    started: list[tuple[str, dict[str, str]]] = []

    def record_response_start(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        started.append((status, dict(headers)))

    body = b"".join(RequestGuard(raise_lookup_error)({}, record_response_start))
    ((status, headers),) = started
    assert status.startswith("500 ")
    assert headers["Content-Type"] == "application/problem+json"
    assert json.loads(body)["code"] == "failure"
    assert b"not in the answer" not in body
    assert metrics.RESPONSES.labels("500")._value.get() == before + 1
