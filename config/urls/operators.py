"""The operators' door: the admin, and the API's description."""

from django.contrib import admin
from django.urls import path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from coupons.admin.login import factor_pages, logins
from coupons.api import (
    openapi,  # noqa: F401 - registers itself, for the description
    start_pages,
)
from coupons.api.v1 import descriptions  # noqa: F401 - describes the users' views, for the docs
from coupons.observability.view_metrics import count_view

# Those below admin/ are counted by `config.admin_metrics`.
_schema = SpectacularJSONAPIView.as_view(urlconf="config.urls.published")
_docs = SpectacularSwaggerSplitView.as_view(url_name="schema")

urlpatterns = [
    path("", count_view(start_pages.for_operators), name="start"),
    path("admin/login/", logins.login, name="login"),
    path("admin/password_change/", logins.change_password, name="password-change"),
    path("admin/code/", factor_pages.code_page, name="operator-code"),
    path("admin/code/key.svg", factor_pages.key_picture, name="operator-key-picture"),
    path(
        "admin/invitation/<uidb64>/<token>/",
        logins.Invitation.as_view(),
        name="operator-invitation",
    ),
    path("admin/", admin.site.urls),
    path("api/v1/schema", count_view(_schema), name="schema"),
    path("api/v1/docs", count_view(_docs), name="docs"),
]

handler400 = "coupons.api.problems.bad_request"
handler404 = "coupons.api.problems.not_found"
handler500 = "coupons.api.problems.server_error"
