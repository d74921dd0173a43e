"""All paths of the site."""

from django.contrib import admin
from django.urls import include, path
from django_prometheus.exports import ExportToDjangoView

from config import health

urlpatterns = [
    path("api/v1/", include("coupons.api.urls")),
    path("admin/", admin.site.urls),
    path("livez", health.live),
    path("readyz", health.ready),
    path("metrics", ExportToDjangoView),
]

handler400 = "coupons.api.problems.refused"
handler404 = "coupons.api.problems.not_found"
handler500 = "coupons.api.problems.failed"
