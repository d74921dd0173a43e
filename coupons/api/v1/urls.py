"""Paths below /api/v1/."""

from django.urls import path

from coupons.api.v1 import views
from coupons.observability.view_metrics import count_view

urlpatterns = [
    # First, because it gets more requests than all the others together; the only one that is not
    # counted by django-prometheus.
    path("campaigns/<str:slug>/claims", views.Claims.as_view(), name="claims"),
    path("campaigns/<str:slug>", count_view(views.PublicCampaign.as_view()), name="campaign"),
    path(
        "campaigns/<str:slug>/claims/me",
        count_view(views.ClaimOfMine.as_view()),
        name="claim-status",
    ),
    path("coupons", count_view(views.Coupons.as_view()), name="coupons"),
    path("coupons/<str:code>", count_view(views.CouponOfMine.as_view()), name="coupon"),
    path("receipts/verify", count_view(views.Receipts.as_view()), name="verify-receipt"),
]
