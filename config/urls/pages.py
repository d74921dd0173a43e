"""The pages' door: event pages. Their static files: `config.page_files`."""

from django.urls import include, path

from coupons.observability.view_metrics import count_views
from coupons.pages import urls as pages

urlpatterns = [path("", include(count_views(pages.urlpatterns, but="")))]

handler400 = "coupons.api.problems.bad_request"
handler404 = "coupons.pages.views.not_found"
handler500 = "coupons.api.problems.server_error"
