"""The operators' door: the admin, and the API's description."""

from django.contrib import admin
from django.urls import path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from coupons.admin.login import logins
from coupons.api import start_pages

urlpatterns = [
    path("", start_pages.for_operators),
    path("admin/login/", logins.login),
    path("admin/password_change/", logins.change_password),
    path("admin/", admin.site.urls),
    path(
        "api/v1/schema", SpectacularJSONAPIView.as_view(urlconf="config.urls.users"), name="schema"
    ),
    path("api/v1/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
]

handler400 = "coupons.api.problems.bad_request"
handler404 = "coupons.api.problems.not_found"
handler500 = "coupons.api.problems.server_error"
