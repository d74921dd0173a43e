"""The users' door: the API, and a start page at `/`."""

from django.urls import include, path

from coupons.api import start_pages
from coupons.api.v1 import urls as api
from coupons.observability.view_metrics import count_view, count_views

urlpatterns = [
    path("", count_view(start_pages.for_users), name="start"),
    path("api/v1/", include(count_views(api.urlpatterns, but="claims"))),
]

handler400 = "coupons.api.problems.bad_request"
handler404 = "coupons.api.problems.not_found"
handler500 = "coupons.api.problems.server_error"
