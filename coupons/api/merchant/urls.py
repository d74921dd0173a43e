"""Paths below /api/v1/merchant/."""

from django.urls import URLPattern

urlpatterns: tuple[URLPattern, ...] = ()
