"""Reading API answers in tests."""

from typing import Any

PROBLEM = "application/problem+json"


def problem_of(response: Any, status: int, code: str) -> dict[str, Any]:
    """The problem document (RFC 9457) of a response; fails unless it has this status and code."""
    assert (response.status_code, response.headers["Content-Type"]) == (status, PROBLEM), (
        response.status_code,
        response.content,
    )
    said: dict[str, Any] = response.json()
    assert said["status"] == status
    assert said["code"] == code, said
    assert said["type"] == f"urn:coupon:problem:{code}"
    assert said["title"]
    return said


def wrong_field(response: Any, field: str) -> str:
    """Why the field was refused."""
    errors = problem_of(response, 400, "bad_input")["errors"]
    assert [error["field"] for error in errors] == [field]
    return str(errors[0]["why"])
