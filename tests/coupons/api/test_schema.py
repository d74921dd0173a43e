"""The OpenAPI document is valid and complete, and the answers conform to it."""

import re
from typing import Any

import pytest
from django.test import Client
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator

from coupons.api.reference import problems
from coupons.campaigns import lifecycle
from coupons.claims.limits import MAX_PER_USER
from coupons.issuing import drain
from coupons.merchants import accounts
from tests.conftest import CampaignMaker, Person
from tests.coupons.api.merchant.shop import Shop

PROBLEM = "application/problem+json"
CLAIMS = "/api/v1/campaigns/{slug}/claims"
STATUSES = {
    (CLAIMS, "post"): {
        "200", "201", "202", "400", "401", "403", "404", "409", "410", "411", "413", "415", "429",
        "503",
    },
    (f"{CLAIMS}/me", "get"): {"200", "400", "401", "404", "429", "503"},
    ("/api/v1/campaigns/{slug}/attempts/me", "get"): {"200", "401", "404", "429", "503"},
    ("/api/v1/campaigns/{slug}", "get"): {"200", "404", "503"},
    ("/api/v1/campaigns/{slug}/live", "get"): {"200", "304", "404", "503"},
    ("/api/v1/campaigns", "get"): {"200", "304", "400", "503"},
    ("/api/v1/time", "get"): {"200", "503"},
    ("/api/v1/coupons", "get"): {"200", "400", "401", "429", "503"},
    ("/api/v1/receipts/verify", "post"): {"200", "400", "401", "411", "413", "415", "429", "503"},
    ("/api/v1/coupons/{code}", "get"): {"200", "400", "401", "404", "429", "503"},
    ("/api/v1/coupons/{code}/inclusion", "get"): {"200", "400", "401", "404", "409", "429", "503"},
    ("/api/v1/coupons/{code}/give-back", "post"): {
        "200", "400", "401", "404", "409", "410", "411", "413", "415", "429", "503",
    },
    ("/api/v1/campaigns/{slug}/waitlist", "post"): {
        "200", "201", "401", "403", "404", "409", "410", "429", "503",
    },
    ("/api/v1/campaigns/{slug}/waitlist", "get"): {"200", "401", "404", "429", "503"},
    ("/api/v1/campaigns/{slug}/waitlist", "delete"): {"200", "401", "404", "409", "429", "503"},
    ("/api/v1/campaigns/{slug}/waitlist/accept", "post"): {
        "200", "401", "404", "409", "429", "503",
    },
}  # fmt: skip


@pytest.fixture
def openapi_document(db: None) -> Any:
    response = Client().get("/api/v1/schema")
    assert response.status_code == 200
    return response.json()


def test_the_document_is_valid_openapi_3_1(openapi_document: Any) -> None:
    assert openapi_document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(openapi_document).validate()


def test_the_document_names_every_path_method_and_status(openapi_document: Any) -> None:
    found = {
        (path, method): set(operation["responses"])
        for path, operations in openapi_document["paths"].items()
        for method, operation in operations.items()
        if "/merchant/" not in path  # its tests are beside its views
    }
    assert found == STATUSES


def test_every_problem_lists_its_codes_and_shows_each(openapi_document: Any) -> None:
    for path, operations in openapi_document["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                for problem in [response["content"].get(PROBLEM)] if "content" in response else []:
                    if problem is None:
                        continue
                    where = (method, path, status)
                    assert response["x-codes"], where
                    assert list(problem["examples"]) == response["x-codes"], where
                    for code, example in problem["examples"].items():
                        assert f"`{code}` |" in response["description"], where
                        assert_fits(openapi_document, problem["schema"], example["value"])
                        assert example["value"]["status"] == int(status), where


def test_every_good_answer_to_a_user_has_an_example_that_fits(openapi_document: Any) -> None:
    for path, method in STATUSES:
        for status, response in openapi_document["paths"][path][method]["responses"].items():
            if status < "300":
                content = response["content"]["application/json"]
                assert_fits(openapi_document, content["schema"], content["example"])


def test_every_code_that_can_be_raised_is_explained() -> None:
    """But for those that no client of an API meets."""
    raised = {code for code, _ in problems._statuses().items()}
    of_commands = {accounts.UnknownMerchant.code}
    unmet = {"failure", "forbidden", "not_acceptable", "overtaken"} | of_commands
    assert raised - set(problems.EXPLAINED) == unmet
    assert set(problems.EXPLAINED) - raised == set()


def test_operations_are_grouped_and_named_as_generated_clients_want_them(
    openapi_document: Any,
) -> None:
    described = {tag["name"] for tag in openapi_document["tags"]}
    used = {
        tag
        for operations in openapi_document["paths"].values()
        for operation in operations.values()
        for tag in operation["tags"]
    }
    assert used == described
    names = set(openapi_document["components"]["schemas"])
    assert not [name for name in names if name.endswith(("RequestRequest", "Body"))]
    assert {"ClaimRequest", "GiveBackRequest", "ReceiptRequest", "Coupon"} <= names


def test_every_error_is_documented_as_a_problem(openapi_document: Any) -> None:
    for path, method in STATUSES:
        for status, said in openapi_document["paths"][path][method]["responses"].items():
            if status == "304":
                assert "content" not in said
                continue
            kind = "application/json" if status < "300" else "application/problem+json"
            assert list(said["content"]) == [kind], (path, status)


PUBLIC = {
    "/api/v1/campaigns",
    "/api/v1/campaigns/{slug}",
    "/api/v1/campaigns/{slug}/live",
    "/api/v1/time",
}


def test_only_what_everybody_may_see_needs_no_token(openapi_document: Any) -> None:
    for path, method in STATUSES:
        security = openapi_document["paths"][path][method].get("security", [])
        assert security == ([] if path in PUBLIC else [{"userToken": []}]), path
    scheme = openapi_document["components"]["securitySchemes"]["userToken"]
    assert scheme == {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def assert_fits(document: Any, schema: Any, value: Any) -> None:
    closed = _closed({**schema, "components": document["components"]})
    OAS31Validator(closed, format_checker=oas31_format_checker).validate(value)


def assert_conforms(document: Any, path: str, method: str, response: Any) -> None:
    """The answer conforms to its schema and has no undocumented member."""
    documented = document["paths"][path][method]["responses"][str(response.status_code)]
    schema = documented["content"][response.headers["Content-Type"]]["schema"]
    assert_fits(document, schema, response.json())


def _closed(schema: Any) -> Any:
    """The same schema with undeclared members forbidden."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        closed["additionalProperties"] = False
    return closed


def test_answers_are_as_documented(
    openapi_document: Any, open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy, stock=1, discount_cap="100.00")
    jun, sora = Person("jun"), Person("sora")
    me, one = "campaigns/sale/claims/me", "/api/v1/coupons/{code}"

    def claim_and_check(person: Person, *args: Any) -> int:
        response = person.claims(*args)
        assert_conforms(openapi_document, CLAIMS, "post", response)
        return int(response.status_code)

    def read_and_check(person: Person, path: str, documented: str) -> int:
        response = person.asks(path)
        assert_conforms(openapi_document, documented, "get", response)
        return int(response.status_code)

    assert read_and_check(jun, me, f"{CLAIMS}/me") == 200
    assert claim_and_check(jun) in (201, 202)
    code = jun.claims().json()["code"]
    assert read_and_check(jun, me, f"{CLAIMS}/me") == 200
    drain.drain("sale", consumer="test") if strategy == "queued" else None
    assert read_and_check(jun, me, f"{CLAIMS}/me") == 200
    assert claim_and_check(jun) == 200
    assert claim_and_check(sora) == 409
    assert claim_and_check(sora, "sale", {"nth": 2}) == 400
    assert claim_and_check(sora, "sale", {"nth": "x" * 5000}) == 413
    assert claim_and_check(sora, "unheard-of") == 404
    assert read_and_check(jun, "campaigns/sale", "/api/v1/campaigns/{slug}") == 200
    assert read_and_check(jun, "coupons", "/api/v1/coupons") == 200
    assert read_and_check(jun, "coupons?limit=0", "/api/v1/coupons") == 400
    assert read_and_check(jun, f"coupons/{code}", one) == 200
    assert read_and_check(sora, f"coupons/{code}", one) == 404
    assert read_and_check(jun, "coupons/nonsense", one) == 400
    given = jun.client.post(
        f"/api/v1/coupons/{code}/give-back", {"confirm": True}, content_type="application/json"
    )
    assert_conforms(openapi_document, f"{one}/give-back", "post", given)
    assert given.status_code == 409
    lifecycle.pause_campaign("sale", actor="Mina")
    assert claim_and_check(sora) == 503
    lifecycle.close_campaign("sale", actor="Mina")
    assert claim_and_check(sora) == 410
    sora.client.defaults.pop("HTTP_AUTHORIZATION")
    assert claim_and_check(sora) == 401
    assert read_and_check(sora, me, f"{CLAIMS}/me") == 401


def test_the_page_for_people_needs_nothing_from_elsewhere(db: None) -> None:
    response = Client().get("/api/v1/docs")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    page = response.content.decode()
    script = Client().get("/api/v1/docs?script=").content.decode()
    assert 'src="/api/v1/docs?script=' in page
    assert "/api/v1/schema" in script
    assert "/static/drf_spectacular_sidecar/" in page
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?:https?:)?//[^"']*""", page)


def test_bounds_of_numbers_in_addresses_are_those_that_are_read(
    openapi_document: Any, open_campaign: CampaignMaker
) -> None:
    """Both ways: the largest that is described is accepted, one more is not."""
    shop, ann = Shop("books"), Person("ann")
    open_campaign("sale", per_user=MAX_PER_USER)
    hook = shop.post("webhooks", {"url": "https://hooks.example.com/books"}).json()["id"]
    asked = 0
    for path, operations in openapi_document["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", ()):
            if parameter["name"] not in ("limit", "nth"):
                continue
            asked += 1
            client = shop.client if "/merchant/" in path else ann.client
            address = path.format(slug="sale", id=hook)
            low, high = parameter["schema"]["minimum"], parameter["schema"]["maximum"]
            values = (low - 1, low, high, high + 1)
            statuses = [client.get(f"{address}?{parameter['name']}={one}").status_code
                        for one in values]  # fmt: skip
            assert [status == 400 for status in statuses] == [True, False, False, True], path
    assert asked >= 5
