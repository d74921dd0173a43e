"""The paths of all doors, for tests and `manage.py`. Health and metrics: `config.probes`."""

from django.urls import include, path

from config.urls import merchants, operators, pages, users

urlpatterns = [
    path("", include(operators)),
    path("", include(merchants)),
    path("", include(pages)),
    path("", include(users)),
]

handler400 = "coupons.api.problems.bad_request"
handler404 = "coupons.api.problems.not_found"
handler500 = "coupons.api.problems.server_error"
