"""The OpenAPI document is valid, names every answer, and the answers are as it says."""

import re
from typing import Any

import pytest
from django.test import Client
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator

from coupons.campaigns import lifecycle
from coupons.issuing import drain
from tests.conftest import CampaignMaker, Person

CLAIMS = "/api/v1/campaigns/{slug}/claims"
STATUSES = {
    (CLAIMS, "post"): {
        "200", "201", "202", "400", "401", "403", "404", "409", "410", "411", "413", "415", "429",
        "503",
    },
    (f"{CLAIMS}/me", "get"): {"200", "400", "401", "404", "503"},
    ("/api/v1/campaigns/{slug}", "get"): {"200", "404", "503"},
    ("/api/v1/coupons", "get"): {"200", "400", "401", "503"},
    ("/api/v1/receipts/verify", "post"): {"200", "400", "401", "411", "413", "415", "429", "503"},
    ("/api/v1/coupons/{code}", "get"): {"200", "400", "401", "404", "503"},
}  # fmt: skip


@pytest.fixture
def document(db: None) -> Any:
    response = Client().get("/api/v1/schema")
    assert response.status_code == 200
    return response.json()


def test_the_document_is_valid_openapi_3_1(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_the_document_names_every_path_method_and_status(document: Any) -> None:
    found = {
        (path, method): set(operation["responses"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert found == STATUSES


def test_every_error_is_documented_as_a_problem(document: Any) -> None:
    for path, method in STATUSES:
        for status, said in document["paths"][path][method]["responses"].items():
            kind = "application/json" if status < "300" else "application/problem+json"
            assert list(said["content"]) == [kind], (path, status)


def test_only_the_public_page_needs_no_token(document: Any) -> None:
    for path, method in STATUSES:
        security = document["paths"][path][method].get("security", [])
        assert security == ([] if path.endswith("{slug}") else [{"userToken": []}]), path
    scheme = document["components"]["securitySchemes"]["userToken"]
    assert scheme == {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def conform(document: Any, path: str, method: str, response: Any) -> None:
    """The answer fits its schema, and says nothing that is not documented."""
    documented = document["paths"][path][method]["responses"][str(response.status_code)]
    schema = documented["content"][response.headers["Content-Type"]]["schema"]
    closed = _closed({**schema, "components": document["components"]})
    OAS31Validator(closed, format_checker=oas31_format_checker).validate(response.json())


def _closed(schema: Any) -> Any:
    """The same schema, with members nobody declared forbidden."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        closed["additionalProperties"] = False
    return closed


def test_answers_are_as_documented(
    document: Any, open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy, stock=1, discount_cap="100.00")
    jun, sora = Person("jun"), Person("sora")
    me, one = "campaigns/sale/claims/me", "/api/v1/coupons/{code}"

    def claims(person: Person, *args: Any) -> int:
        response = person.claims(*args)
        conform(document, CLAIMS, "post", response)
        return int(response.status_code)

    def reads(person: Person, path: str, documented: str) -> int:
        response = person.asks(path)
        conform(document, documented, "get", response)
        return int(response.status_code)

    assert reads(jun, me, f"{CLAIMS}/me") == 200
    assert claims(jun) in (201, 202)
    code = jun.claims().json()["code"]
    assert reads(jun, me, f"{CLAIMS}/me") == 200
    drain.drain("sale", consumer="test") if strategy == "queued" else None
    assert reads(jun, me, f"{CLAIMS}/me") == 200
    assert claims(jun) == 200
    assert claims(sora) == 409
    assert claims(sora, "sale", {"nth": 2}) == 400
    assert claims(sora, "sale", {"nth": "x" * 5000}) == 413
    assert claims(sora, "unheard-of") == 404
    assert reads(jun, "campaigns/sale", "/api/v1/campaigns/{slug}") == 200
    assert reads(jun, "coupons", "/api/v1/coupons") == 200
    assert reads(jun, "coupons?limit=0", "/api/v1/coupons") == 400
    assert reads(jun, f"coupons/{code}", one) == 200
    assert reads(sora, f"coupons/{code}", one) == 404
    assert reads(jun, "coupons/nonsense", one) == 400
    lifecycle.pause_campaign("sale", actor="Mina")
    assert claims(sora) == 503
    lifecycle.close_campaign("sale", actor="Mina")
    assert claims(sora) == 410
    sora.client.defaults.pop("HTTP_AUTHORIZATION")
    assert claims(sora) == 401
    assert reads(sora, me, f"{CLAIMS}/me") == 401


def test_the_page_for_people_needs_nothing_from_elsewhere(db: None) -> None:
    response = Client().get("/api/v1/docs")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    page = response.content.decode()
    assert "/api/v1/schema" in page
    assert "/static/drf_spectacular_sidecar/" in page
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?:https?:)?//[^"']*""", page)
