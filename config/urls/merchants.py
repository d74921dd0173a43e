"""The merchants' door: what shops' backends call, with a key."""

from django.urls import include, path

from coupons.api.merchant import urls as merchant
from coupons.observability.view_metrics import count_views

urlpatterns = [
    path("api/v1/merchant/", include(count_views(merchant.urlpatterns, but=""))),
]

handler400 = "coupons.api.problems.bad_request"
handler404 = "coupons.api.problems.not_found"
handler500 = "coupons.api.problems.server_error"
