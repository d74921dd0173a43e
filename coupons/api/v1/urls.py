"""Paths below /api/v1/."""

from django.urls import path

from coupons.api.v1 import attempts, proof, views, waitlist, watching

urlpatterns = [
    # First, because it gets more requests than all the others together.
    path("campaigns/<str:slug>/claims", views.Claims.as_view(), name="claims"),
    path("campaigns", watching.Campaigns.as_view(), name="campaigns"),
    path("time", watching.Time.as_view(), name="time"),
    path("campaigns/<str:slug>/live", watching.Live.as_view(), name="live"),
    path("campaigns/<str:slug>", views.PublicCampaign.as_view(), name="campaign"),
    path("campaigns/<str:slug>/claims/me", views.ClaimOfMine.as_view(), name="claim-status"),
    path("campaigns/<str:slug>/attempts/me", attempts.MyAttempts.as_view(), name="my-attempts"),
    path("campaigns/<str:slug>/waitlist", waitlist.Waitlist.as_view(), name="waitlist"),
    path("campaigns/<str:slug>/waitlist/accept", waitlist.AcceptOffer.as_view(), name="accept"),
    path("coupons", views.Coupons.as_view(), name="coupons"),
    path("coupons/<str:code>", views.CouponOfMine.as_view(), name="coupon"),
    path("coupons/<str:code>/inclusion", proof.Inclusion.as_view(), name="inclusion"),
    path("coupons/<str:code>/give-back", views.GiveBack.as_view(), name="give-back"),
    path("receipts/verify", views.Receipts.as_view(), name="verify-receipt"),
]
