"""The users' door: the API, and nothing else."""

from django.urls import include, path

urlpatterns = [path("api/v1/", include("coupons.api.urls"))]

handler400 = "coupons.api.problems.refused"
handler404 = "coupons.api.problems.not_found"
handler500 = "coupons.api.problems.failed"
