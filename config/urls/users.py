"""The users' door: the API, and a start page at `/`."""

from django.urls import include, path

from coupons.api import start_pages

urlpatterns = [path("", start_pages.for_users), path("api/v1/", include("coupons.api.v1.urls"))]

handler400 = "coupons.api.problems.bad_request"
handler404 = "coupons.api.problems.not_found"
handler500 = "coupons.api.problems.server_error"
