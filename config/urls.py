"""All paths of the site but those of `config.health`, which come before everything else."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("coupons.api.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "coupons.api.problems.refused"
handler404 = "coupons.api.problems.not_found"
handler500 = "coupons.api.problems.failed"
