"""Every error is a problem document with a stable code and without internals."""

from typing import Any

import pytest
from django.test import Client

from coupons.api import responses
from tests.conftest import CampaignMaker, Person
from tests.coupons.answers import problem_of

PRIVATE = ["campaigns/sale/claims/me", "coupons", "coupons/0000-0000-0000-0000"]
BAD_HEADERS = [
    "Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Basic anVuOmp1bg==", "Token x", "x",
    "Bearer " + "a" * 4097, "Bearer \u00e9.\u00e9.\u00e9", "Bearer a b", ",", "Bearer\tx",
    "Bearer   ", "Bearer  x",
]  # fmt: skip


def assert_refused(response: Any, code: str) -> None:
    problem_of(response, 401, code)
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def call_private_paths(client: Client, slug: str = "sale") -> list[Any]:
    claims = f"/api/v1/campaigns/{slug}/claims"
    return [client.generic("POST", claims), *(client.get(f"/api/v1/{path}") for path in PRIVATE)]


def test_without_a_token_no_private_data_is_shown(open_campaign: CampaignMaker) -> None:
    open_campaign()
    for response in call_private_paths(Client()):
        assert_refused(response, "no_token")


@pytest.mark.parametrize("header", BAD_HEADERS, ids=lambda header: header[:20])
def test_a_bad_token_is_refused_everywhere(open_campaign: CampaignMaker, header: str) -> None:
    open_campaign()
    for response in call_private_paths(Client(headers={"Authorization": header})):
        assert_refused(response, "bad_token")


def test_the_header_is_read_in_every_spelling_of_rfc_9110(open_campaign: CampaignMaker) -> None:
    open_campaign()
    token = Person("jun").client.defaults["HTTP_AUTHORIZATION"].partition(" ")[2]
    for said in ("bearer ", "BEARER ", "Bearer  ", "bearer     "):
        client = Client(headers={"Authorization": f"{said}{token}"})
        assert client.get("/api/v1/coupons").status_code == 200


def test_a_session_of_the_admin_is_no_user(admin_client: Client) -> None:
    for response in call_private_paths(admin_client):
        assert_refused(response, "no_token")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_claims_are_only_posted(open_campaign: CampaignMaker, method: str) -> None:
    open_campaign()
    response = Person("jun").client.generic(method, "/api/v1/campaigns/sale/claims")
    assert response.headers["Allow"] == "POST"
    if method == "HEAD":
        assert response.status_code == 405
    else:
        problem_of(response, 405, "method_not_allowed")


@pytest.mark.parametrize("path", ["campaigns/sale", *PRIVATE])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_what_is_read_is_only_read(open_campaign: CampaignMaker, path: str, method: str) -> None:
    open_campaign()
    response = Person("jun").client.generic(method, f"/api/v1/{path}", b"{}", "application/json")
    problem_of(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD"


def test_head_answers_like_get_without_a_body(open_campaign: CampaignMaker) -> None:
    open_campaign()
    response = Client().head("/api/v1/campaigns/sale")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v0/coupons", "/api/v1/", "/api/v1/coupons/", "/api/v2/x", "/nowhere"]
)
def test_an_unknown_path_is_a_problem_document(db: None, path: str) -> None:
    problem_of(Client().get(path), 404, "not_found")


def test_the_admin_keeps_its_pages_for_people(admin_client: Client) -> None:
    response = admin_client.get("/admin/nowhere/")
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")


def test_a_foreign_host_is_refused(open_campaign: CampaignMaker, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]
    open_campaign()
    problem_of(
        Client().get("/api/v1/campaigns/sale", headers={"Host": "evil.example"}), 400, "bad_input"
    )
    good = Client().get("/api/v1/campaigns/sale", headers={"Host": "shop.example"})
    assert good.status_code == 200
    page = Client().get("/admin/login/", headers={"Host": "evil.example"})
    assert (page.status_code, page.headers["Content-Type"]) == (400, "text/html; charset=utf-8")


def test_an_unexpected_error_is_a_problem_document_without_a_traceback(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_campaign()
    monkeypatch.delattr(responses, "of_admission")
    jun = Person("jun")
    jun.client.raise_request_exception = False
    said = problem_of(jun.claims(), 500, "failure")
    assert said.keys() == {"type", "title", "status", "code"}


def test_a_client_that_wants_something_else_gets_json_all_the_same(
    open_campaign: CampaignMaker,
) -> None:
    open_campaign()
    for accept in ("text/html", "application/xml", "*/*", "", "nonsense", "application/json;q=0"):
        response = Client().get("/api/v1/campaigns/sale", headers={"Accept": accept})
        assert response.headers["Content-Type"] == "application/json", accept
    response = Client().get("/api/v1/campaigns/sale?format=xml")
    assert response.status_code == 200
