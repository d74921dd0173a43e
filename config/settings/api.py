"""DRF and the OpenAPI schema."""

from typing import Any

from config import env

# Pages of these origins may call the users' API (CORS); empty: none, and no header is added.
CORS_ORIGINS = env.origins("CORS_ORIGINS")

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["coupons.api.auth.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["coupons.api.auth.HasUser"],
    "DEFAULT_RENDERER_CLASSES": ["coupons.api.json.Renderer"],
    "DEFAULT_PARSER_CLASSES": ["coupons.api.json.Parser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "coupons.api.json.AlwaysJson",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "coupons.api.problems.handle_exception",
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Coupon opening",
    "DESCRIPTION": "First come, first served: exactly N coupons, no user twice, every admission is"
    " stored.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    # The page opens as a list of groups; each opens to its operations, and an operation to its
    # answers.
    "SWAGGER_UI_SETTINGS": {
        "docExpansion": "none",
        "defaultModelsExpandDepth": -1,
        "defaultModelExpandDepth": 2,
        "defaultModelRendering": "example",
        "displayRequestDuration": True,
        "deepLinking": True,
        "filter": True,
    },
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "coupons.api.openapi.require_bodies",
        "coupons.api.reference.document.introduce",
        "coupons.api.reference.document.group_operations",
        "coupons.api.reference.document.explain_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "CouponStateEnum": "coupons.api.schemas.STATES",
        "PublicStateEnum": "coupons.api.schemas.CAMPAIGN_STATES",
    },
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
}
