"""The paths of both public APIs, for their OpenAPI description (openapi.json). Serves no requests.

manage.py spectacular --urlconf config.urls.published --format openapi-json --file openapi.json
"""

from django.urls import include, path

from config.urls import merchants, users
from coupons.api.v1 import descriptions  # noqa: F401 - describes the users' views

urlpatterns = [
    path("", include(users)),
    path("", include(merchants)),
]
