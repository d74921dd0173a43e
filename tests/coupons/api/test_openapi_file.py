"""openapi.json, from which shops generate their clients, is the description of what is served."""

import json
from pathlib import Path
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from jsonschema_path.typing import Schema
from openapi_spec_validator import OpenAPIV31SpecValidator

from config import env

FILE = env.BASE_DIR / "openapi.json"
COMMAND = (
    "manage.py spectacular --urlconf config.urls.published --format openapi-json"
    " --file openapi.json"
)


@pytest.fixture(scope="module")
def generated() -> Any:
    generator = SchemaGenerator(urlconf="config.urls.published")  # type: ignore[no-untyped-call]
    return json.loads(json.dumps(generator.get_schema(request=None, public=True)))  # type: ignore[no-untyped-call]


def test_the_file_is_what_the_code_describes(generated: Any) -> None:
    assert json.loads(FILE.read_text()) == generated, f"Write it again: {COMMAND}"


def test_it_is_valid_openapi_3_1(generated: Schema) -> None:
    assert generated["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(generated).validate()


def merchant_operations(document: Any) -> list[tuple[str, Any]]:
    return [
        (f"{method} {path}", operation)
        for path, operations in document["paths"].items()
        if path.startswith("/api/v1/merchant/")
        for method, operation in operations.items()
    ]


def test_every_merchant_operation_needs_a_key_and_has_examples(generated: Any) -> None:
    operations = merchant_operations(generated)
    assert len(operations) >= 11
    for name, operation in operations:
        assert operation["security"] == [{"merchantKey": []}], name
        assert operation["summary"], name
        for status, response in operation["responses"].items():
            if status == "204":
                continue
            (kind, content), *others = response["content"].items()
            assert {other for other, _ in others} <= {"text/csv"}, (name, status)  # an export
            assert (kind == "application/problem+json") == (status >= "400"), (name, status)
            assert status >= "400" or content["examples"], (name, status)
        if body := operation.get("requestBody"):
            assert all("examples" in kind for kind in body["content"].values()), name


def test_the_command_of_the_message_is_the_one_of_the_pages() -> None:
    assert COMMAND in Path("config/urls/published.py").read_text()
