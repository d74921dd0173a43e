"""Hooks of drf-spectacular that complete the description."""

from typing import Any

from coupons.api.reference.examples import EXAMPLES
from coupons.api.reference.introduction import INTRODUCTION
from coupons.api.reference.operations import GROUPS, codes_of, group_of
from coupons.api.reference.problems import Known, known_problems

JSON, PROBLEM = "application/json", "application/problem+json"
CODES = "x-codes"  # of a response: the codes that it may have


def introduce(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """The text above the operations, and an example of each good answer to a user."""
    result["info"]["description"] = INTRODUCTION
    for operations in result["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                example = EXAMPLES.get((operation["operationId"], int(status)))
                if example is not None:
                    response["content"][JSON]["example"] = example
    return result


def group_operations(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Each operation is in one group, and the groups are described in their order."""
    used = set()
    for path, operations in result["paths"].items():
        for operation in operations.values():
            operation["tags"] = [group_of(path)]
            used.add(group_of(path))
    result["tags"] = [
        {"name": name, "description": text} for name, text in GROUPS.items() if name in used
    ]
    return result


def explain_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Each problem response lists its codes, each with cause, remedy and example."""
    known = known_problems()
    for path, operations in result["paths"].items():
        for operation in operations.values():
            codes = codes_of(operation["operationId"], path) + _codes_of_headers(operation)
            for status, response in operation["responses"].items():
                if PROBLEM in response.get("content", {}):
                    of_status = [known[code] for code in codes if known[code].status == int(status)]
                    _explain(response, of_status)
    return result


def _codes_of_headers(operation: dict[str, Any]) -> list[str]:
    needed = [one["name"] for one in operation.get("parameters", ()) if one.get("required")]
    return ["idempotency_key_missing"] if "Idempotency-Key" in needed else []


def _explain(response: dict[str, Any], problems: list[Known]) -> None:
    rows = [f"| `{one.code}` | {one.cause} | {one.remedy} |" for one in problems]
    head = ["| code | cause | what to do |", "|---|---|---|"]
    response["description"] = "\n".join([*head, *rows])
    response[CODES] = [one.code for one in problems]
    response["content"][PROBLEM]["examples"] = {
        one.code: {"summary": one.title, "value": one.example()} for one in problems
    }
