"""The OpenAPI description: of our bearer token, and of bodies that must be sent."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter


class UserToken(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "coupons.api.auth.TokenAuthentication"
    name = "userToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def require_bodies(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook of drf-spectacular: a body with needed members is needed itself, so that generated
    clients demand it."""
    for operations in result["paths"].values():
        for operation in operations.values():
            content = operation.get("requestBody", {}).get("content", {})
            if content.get("application/json", {}).get("schema", {}).get("required"):
                operation["requestBody"]["required"] = True
    return result


def limit_parameter(most: int, default: int) -> OpenApiParameter:
    """`limit`, with the bounds that its reader has."""
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return OpenApiParameter("limit", schema, description=f"Of a page, 1 to {most}.")
