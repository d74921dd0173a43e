"""A request with a key: authentication, scopes, limits, strict bodies."""

import json
from typing import Any, ClassVar

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from rest_framework.request import Request
from rest_framework.response import Response

from coupons.api.merchant import body, rate_limit
from coupons.api.merchant.auth import merchant_caller
from coupons.api.merchant.base_view import MerchantResource
from coupons.errors import UnknownCoupon
from coupons.merchants import api_keys
from coupons.models import Merchant, Scope

pytestmark = pytest.mark.django_db

LINES = {"id": body.Text(most=8), "subtotal": body.Amount()}
FIELDS: body.Fields = {
    "code": body.Text(most=32),
    "count": body.Whole(low=1, high=9, optional=True, default=1),
    "sure": body.Flag(optional=True),
    "kind": body.OneOf(choices=("a", "b"), optional=True, nullable=True),
    "ends": body.Moment(or_date=True, optional=True),
    "amount": body.Amount(optional=True),
    "lines": body.Listing(fields=LINES, most=2, optional=True),
}


class Things(MerchantResource):
    scopes: ClassVar = {"POST": Scope.REDEEM, "GET": Scope.READ}

    def get(self, request: Request) -> Response:
        return Response({"merchant": merchant_caller(request).merchant})

    def post(self, request: Request) -> Response:
        given = body.read_body(request, FIELDS)
        if given["code"].startswith("unknown"):
            rate_limit.count_unknown_code(merchant_caller(request))
            raise UnknownCoupon("There is no coupon with this code.")
        return Response({name: str(value) for name, value in given.items()})


@pytest.fixture
def key() -> str:
    shop = Merchant.objects.create(slug="shop", name="The shop")
    return api_keys.make_key(shop, name="backend", scopes=["redeem"])[1]


def send(key: str | None, method: str = "POST", content: Any = None, **headers: str) -> Any:
    if key is not None:
        headers["authorization"] = f"Api-Key {key}"
    data = content if isinstance(content, bytes) else json.dumps(content or {})
    request = RequestFactory().generic(
        method, "/things", data, content_type="application/json", headers=headers
    )
    response: HttpResponse = Things.as_view()(request)
    return response.render() if isinstance(response, Response) else response


def problem(response: Any) -> Any:
    return json.loads(response.content)


@pytest.mark.parametrize("given", [None, "cpk_live_aaaaaaaa." + "b" * 32, "", "ü", "x y"])
def test_without_a_valid_key_all_answers_are_the_same(given: str | None) -> None:
    response = send(given)
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Api-Key")
    assert problem(response)["code"] == "bad_key"
    assert response.content == send(None).content


def test_a_users_token_is_no_key(key: str) -> None:
    assert send(None, authorization=f"Bearer {key}").status_code == 401


def test_a_key_is_read_as_the_front_reads_it(key: str) -> None:
    """After one space or more, and nothing else."""
    assert send(None, authorization=f"Api-Key   {key}", content={"code": "a"}).status_code == 200
    assert send(None, authorization=f"Api-Key \t{key}").status_code == 401


def test_each_method_needs_its_scope(key: str) -> None:
    assert send(key, content={"code": "a"}).status_code == 200
    response = send(key, "GET")
    assert (response.status_code, problem(response)["code"]) == (403, "scope_missing")
    assert send(key, "HEAD").status_code == 403
    assert send(key, "DELETE").status_code == 405


def test_a_view_names_the_scope_of_each_method() -> None:
    with pytest.raises(TypeError, match="scopes must name"):
        type("Wrong", (Things,), {"scopes": {"POST": Scope.REDEEM}})


def test_an_empty_and_a_full_body(key: str) -> None:
    full = {
        "code": "a", "count": 2, "sure": True, "kind": None, "ends": "2026-12-01", "amount": "1.50",
        "lines": [{"id": "1", "subtotal": 12}],
    }  # fmt: skip
    assert problem(send(key, content=full))["lines"] == "[{'id': '1', 'subtotal': '12'}]"
    assert problem(send(key, content=b""))["errors"] == [{"field": "code", "why": "is needed"}]


def test_all_faults_are_told_at_once_each_with_its_field(key: str) -> None:
    wrong = {
        "code": 7, "count": True, "sure": "yes", "kind": "c", "ends": "2026-12-01T00:00:00",
        "amount": 1.5, "more": 1, "lines": [{"id": "123456789", "subtotal": "1"}, {"sub": 1}],
    }  # fmt: skip
    response = send(key, content=wrong)
    assert response.status_code == 400
    assert [error["field"] for error in problem(response)["errors"]] == [
        "more", "code", "count", "sure", "kind", "ends", "amount", "lines[0].id", "lines[1].sub",
        "lines[1].id", "lines[1].subtotal",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [("code", "a\nb"), ("code", ""), ("code", "x" * 33), ("code", "가" * 11), ("count", 10**30),
     ("count", 1.0), ("amount", "-1"), ("amount", "1e9"), ("amount", "1.1234567"), ("amount", "１"),
     ("amount", "1" * 16), ("lines", []), ("lines", [1]), ("lines", [{}] * 3), ("ends", 5),
     ("ends", "2026-02-30"), ("ends", "20261201"), ("kind", ["a"]), ("sure", 1), ("sure", None)],
)  # fmt: skip
def test_a_wrong_value_is_a_fault_of_its_field(key: str, field: str, value: Any) -> None:
    response = send(key, content={"code": "a"} | {field: value})
    assert response.status_code == 400
    assert {error["field"].partition("[")[0] for error in problem(response)["errors"]} == {field}


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"[]", 400), (b"{", 400), (b'{"code":"a","code":"b"}', 400), (b'{"code":"\\ud800"}', 400),
     (b"[" * 60_000, 400), (b'{"code":"%s"}' % (b"a" * 70_000), 413)],
)  # fmt: skip
def test_a_body_that_is_no_object_of_ours(key: str, content: bytes, status: int) -> None:
    assert send(key, content=content).status_code == status


def test_a_body_may_be_larger_than_a_users(key: str) -> None:
    assert send(key, content={"code": "a", "x": "b" * 10_000}).status_code == 400
    assert send(key, content=b" " * 60_000 + b'{"code":"a"}').status_code == 200


def test_a_key_has_a_rate(key: str, settings: Any) -> None:
    settings.REQUESTS_PER_KEY_PER_S = 1
    statuses = {send(key, content={"code": "a"}).status_code for _ in range(40)}
    assert statuses == {200, 429}


def test_a_guesser_learns_nothing_after_twenty_unknown_codes(key: str) -> None:
    """Complaint 43: refusals tell which codes live. Known codes are refused as well then."""
    for _ in range(20):
        assert send(key, content={"code": "unknown"}).status_code == 404
    assert send(key, content={"code": "unknown"}).status_code == 429
    refused = send(key, content={"code": "known"})
    assert (refused.status_code, problem(refused)["code"]) == (429, "too_many_requests")
    assert int(refused["Retry-After"]) == 60
