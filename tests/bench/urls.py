"""The stock view's path, first, so that it is resolved fastest, and the product's."""

from django.urls import path

from config.urls import handler400, handler404, handler500
from config.urls import urlpatterns as product
from tests.bench.baseline_view import BaselineView

__all__ = ["handler400", "handler404", "handler500", "urlpatterns"]

urlpatterns = [path("stock", BaselineView.as_view()), *product]
