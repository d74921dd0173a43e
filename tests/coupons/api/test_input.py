"""An invalid request is refused with its reason, and takes no place."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from coupons.models import Coupon
from coupons.store import Gate, store
from tests.conftest import CampaignMaker, Person
from tests.coupons.answers import problem_of, wrong_field


@pytest.fixture(params=["queued", "direct"], autouse=True)
def nothing_admitted(
    request: pytest.FixtureRequest, open_campaign: CampaignMaker
) -> Iterator[None]:
    """A campaign of two coupons per user; its counts must be unchanged after the test."""
    open_campaign(strategy=request.param, per_user=2)

    def count_everything() -> tuple[int, int, int, int]:
        gate: Gate | None = store().campaigns.gate("sale") if request.param == "queued" else None
        admitted, waiting = (gate.admitted, gate.waiting) if gate else (0, 0)
        return admitted, waiting, len(store().client.keys("*claimants*")), Coupon.objects.count()

    before = count_everything()
    yield
    assert count_everything() == before == (0, 0, 0, 0)


def post_body(
    body: bytes,
    *,
    content_type: str = "application/json",
    slug: str = "sale",
    headers: dict[str, str] | None = None,
) -> Any:
    path = f"/api/v1/campaigns/{slug}/claims"
    return Person("jun").client.generic("POST", path, body, content_type, headers=headers)


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"}", b"{'nth': 1}", b'{"nth": 1,}', b'{"nth": 01}', b"nth=1", b"\x00", b" ",
        b'{"nth": NaN}', b'{"nth": Infinity}', b'{"nth": 1} {}', b'{"nth": 1}\x00',
        b"\xff\xfe", b'{"\xc3": 1}', b'{"nth": "\xed\xa0\x80"}', b'{"\\ud800": 1}',
        '{"nth": 1}'.encode("utf-16"), b'\xef\xbb\xbf{"nth": 1}',
        b"[" * 4000, b"[" * 2000 + b"]" * 2000, b'{"a":' * 500 + b"1" + b"}" * 500,
        b'{"nth": %s}' % (b"9" * 4000), b'{"a":' + b"[" * 1010 + b"]" * 1010 + b"}",
    ],
    ids=lambda body: repr(body[:24]),
)  # fmt: skip
def test_a_body_that_is_not_json_or_much_too_deep_is_refused(body: bytes) -> None:
    said = problem_of(post_body(body), 400, "bad_input")
    assert said["errors"]


@pytest.mark.parametrize("body", ["null", "[]", '"text"', "1", "true", "[1]", '[{"nth": 1}]'])
def test_a_body_must_be_an_object(body: str) -> None:
    assert wrong_field(post_body(body.encode()), "body") == "must be an object"


@pytest.mark.parametrize("field", ["user_id", "user", "sub", "place", "code", "NTH", "", "нth"])
def test_an_unknown_field_is_refused_by_its_name(field: str) -> None:
    body = json.dumps({"nth": 1, field: "sora"}).encode()
    assert "not a field" in wrong_field(post_body(body), field)


@pytest.mark.parametrize(
    "nth",
    [
        "true", "false", '"1"', "1.0", "1e0", "1.5", "0", "-1", "3", "65537", str(10**30),
        str(2**63), str(-(2**63) - 1), "null", "[]", "[1]", "{}", '"null"',
    ],
)  # fmt: skip
def test_nth_is_a_whole_number_up_to_what_a_user_may_have(nth: str) -> None:
    assert "from 1 to 2" in wrong_field(post_body(b'{"nth": %s}' % nth.encode()), "nth")


@pytest.mark.parametrize(
    "body", ['{"nth": 1, "nth": 2}', '{"nth": 2, "n\\u0074h": 2}', '{"nth": 1, "x": {"a":1,"a":2}}']
)
def test_a_field_named_twice_is_refused(body: str) -> None:
    assert wrong_field(post_body(body.encode()), "body") == "names a field twice"


@pytest.mark.parametrize("size", [4097, 1_000_000, 5_000_000])
def test_a_body_beyond_4_kilobytes_is_too_large(size: int) -> None:
    body = b'{"nth": 1' + b" " * (size - 10) + b"}"
    said = problem_of(post_body(body), 413, "body_too_large")
    assert str(size) in said["detail"]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
        "application/xml", "application/jsonx", "application/problem+json", "", "*/*", "json",
    ],
)  # fmt: skip
def test_only_json_is_understood(content_type: str) -> None:
    problem_of(post_body(b'{"nth": 1}', content_type=content_type), 415, "unsupported_media_type")


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "deflate", "gzip, gzip"])
def test_a_compressed_body_is_refused(coding: str) -> None:
    bomb = gzip.compress(b'{"nth": 1' + b" " * 3_000_000 + b"}")
    response = post_body(bomb, headers={"Content-Encoding": coding})
    problem_of(response, 415, "unsupported_media_type")


def test_a_body_without_its_length_is_refused_and_not_taken_for_an_empty_one() -> None:
    response = Person("jun").client.generic(
        "POST", "/api/v1/campaigns/sale/claims", HTTP_TRANSFER_ENCODING="chunked"
    )
    problem_of(response, 411, "length_required")


@pytest.mark.parametrize(
    "slug",
    [
        "nothing-here", "s" * 300, "Sale", "SALE", "sale ", "%20sale", "sale%00", "sale%0a", "세일",
        "%EC%84%B8%EC%9D%BC", "%ff%fe", "ｓａｌｅ", "1%20OR%201=1", "sale'--", "sale%27%3B--",
        "1e3", "-1", str(2**63), "٣", "{sale}", "sale}:gate", "-sale", "sale-", "*", "null",
        "%2e%2e", "sale%3Fnth=1", "s\u0430le",
    ],
)  # fmt: skip
def test_an_unused_or_invalid_slug_is_unknown(slug: str) -> None:
    problem_of(post_body(b"{}", slug=slug), 404, "unknown_campaign")
    for path in (f"campaigns/{slug}", f"campaigns/{slug}/claims/me"):
        problem_of(Person("jun").asks(path), 404, "unknown_campaign")


@pytest.mark.parametrize("slug", ["../sale", "..%2fsale", "sale/..", "sale%2f", "", "sale/", "a/b"])
def test_an_unknown_path_of_the_api_is_a_problem_document(slug: str) -> None:
    problem_of(post_body(b"{}", slug=slug), 404, "not_found")


@pytest.mark.parametrize("nth", ["0", "-1", "3", "true", "1.0", "", "+1", "٣", "²", "1" * 5000])
def test_nth_in_a_question_is_checked_like_nth_in_a_claim(nth: str) -> None:
    response = Person("jun").client.get("/api/v1/campaigns/sale/claims/me", {"nth": nth})
    assert "from 1 to 2" in wrong_field(response, "nth")


def test_a_method_smuggled_in_a_header_is_ignored() -> None:
    path = "/api/v1/campaigns/sale/claims/me"
    response = Person("jun").client.get(path, headers={"X-HTTP-Method-Override": "POST"})
    assert response.json() == {"status": "none"}
