"""21: the short chain of middleware for API requests leaves nothing out that does something."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import DisallowedHost, MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from django.utils.module_loading import import_string

from config import api_lane, middleware
from config.api_lane import build_lane, is_in_lane
from config.doors import Door, middleware_for
from config.request_cycle import RequestCycle
from coupons.audit import requests

REQUESTS = [
    ("GET", "/api/v1/campaigns/sale", {}),
    ("POST", "/api/v1/campaigns/sale/claims", {}),
    ("POST", "/api/v1/campaigns/sale/claims", {"HTTP_COOKIE": "sessionid=a; csrftoken=b"}),
    ("POST", "/api/v1/receipts/verify", {"HTTP_ACCEPT_LANGUAGE": "ko"}),
    ("OPTIONS", "/api/v1/schema", {"HTTP_HOST": "evil.example"}),
    ("GET", "/api/static/style.css", {}),
]


def answered(_: HttpRequest) -> HttpResponse:
    return HttpResponse(f"<p>{chr(0x202E)}</p>", headers={"X-Own": "1"})


def seen(request: HttpRequest) -> dict[str, Any]:
    return {name: value for name, value in vars(request).items() if name != "environ"}


@pytest.mark.parametrize("name", sorted(api_lane.DO_NOTHING))
@pytest.mark.parametrize("asked", REQUESTS, ids=lambda asked: " ".join(asked[:2]))
def test_what_is_left_out_does_nothing(
    name: str, asked: tuple[str, str, dict[str, str]], tmp_path: Path
) -> None:
    method, path, headers = asked
    assert is_in_lane(path)
    request = RequestFactory().generic(method, path)
    request.META |= headers
    before, passed = seen(request), list[HttpResponse]()

    def answer(inner: HttpRequest) -> HttpResponse:
        assert inner is request
        assert seen(inner) == before, "nothing is set for the view"
        passed.append(answered(inner))
        return passed[0]

    (tmp_path / "style.css").write_text("")  # one of ours, which WhiteNoise serves
    try:
        with override_settings(STATIC_ROOT=tmp_path):
            chain = import_string(name)(answer)
    except MiddlewareNotUsed:
        return
    view = getattr(chain, "process_view", None)
    assert view is None or view(request, answered, (), {}) is None
    response = chain(request)
    assert response is passed[0]
    assert response.content == answered(request).content
    assert dict(response.headers) == dict(answered(request).headers)
    assert not response.cookies
    assert seen(request) == before


def test_what_does_something_is_found_out(tmp_path: Path) -> None:
    """The negative control of the test above."""
    for name in api_lane.WRITTEN_OUT.keys() - {"config.request_context.request_context"}:
        with (
            pytest.raises((AssertionError, DisallowedHost)),
            override_settings(
                SECURE_HSTS_SECONDS=60, SECURE_SSL_REDIRECT=True, ALLOWED_HOSTS=["own.example"]
            ),
        ):
            test_what_is_left_out_does_nothing(name, REQUESTS[0], tmp_path)


@pytest.mark.parametrize("door", Door)
def test_every_middleware_of_a_door_is_known(door: Door) -> None:
    with override_settings(MIDDLEWARE=middleware_for(door, settings.MIDDLEWARE)):
        assert build_lane(answered) is not None


def test_requests_that_are_audited_or_have_another_policy_take_the_whole_chain() -> None:
    assert api_lane._NOT_THESE == (requests.MERCHANTS, middleware.DOCS)
    for path in (requests.MERCHANTS + "coupons", middleware.DOCS, middleware.ADMIN, "/livez"):
        assert not is_in_lane(path)


def later(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A middleware that the lane does not know."""

    def answer(request: Any) -> Any:
        response = get_response(request)
        response.headers["X-Later"] = "yes"
        return response

    return answer


def test_a_middleware_that_is_added_later_is_never_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    name = f"{__name__}.later"
    request = RequestFactory().get("/api/v1/none")
    with (
        override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, name]),
        caplog.at_level(logging.WARNING),
    ):
        response = RequestCycle().get_response(request)
    assert response.headers["X-Later"] == "yes"
    assert name in caplog.text
    assert "X-Later" not in RequestCycle().get_response(request).headers


def test_an_accepted_host_is_accepted_only_while_it_is_allowed() -> None:
    handler = RequestCycle()

    def host_answer(host: str) -> int:
        request = RequestFactory().get("/api/v1/none", HTTP_HOST=host)
        return int(handler.get_response(request).status_code)

    with override_settings(ALLOWED_HOSTS=["own.example"]):
        assert [host_answer("own.example") for _ in range(2)] == [404, 404]
        assert [host_answer("evil.example") for _ in range(2)] == [400, 400]
    with override_settings(ALLOWED_HOSTS=["other.example"]):
        assert host_answer("own.example") == 400
        assert host_answer("other.example") == 404


def test_strangers_hosts_are_not_kept() -> None:
    """A site that accepts any host, as a laptop does."""
    hosts = api_lane._AcceptedHosts()
    with override_settings(ALLOWED_HOSTS=["*"]):
        for number in range(1_000):
            hosts.check_host(RequestFactory().get("/", HTTP_HOST=f"h{number}.example"))
            hosts.check_host(RequestFactory().get("/", HTTP_HOST="h" * 300 + f"{number}.example"))
            assert 0 < len(hosts._accepted) <= hosts.MOST
    assert max(map(len, hosts._accepted)) <= hosts.LONGEST
