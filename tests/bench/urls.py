"""The stock view's paths, first, so that they are resolved fastest, and the product's."""

from django.urls import path

from config.urls.every import handler400, handler404, handler500
from config.urls.every import urlpatterns as product
from tests.bench.baseline_view import BaselineView

__all__ = ["handler400", "handler404", "handler500", "urlpatterns"]

urlpatterns = [
    path("stock", BaselineView.as_view()),
    path("api/stock", BaselineView.as_view()),
    *product,
]
