"""The OpenAPI description of our bearer token."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class UserToken(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "coupons.api.auth.TokenAuthentication"
    name = "userToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
