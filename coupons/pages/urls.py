"""Paths of the pages' door."""

from django.urls import path

from coupons.pages import views

urlpatterns = [
    path("events", views.EventList.as_view(), name="events"),
    path("events/<str:slug>", views.EventPage.as_view(), name="event"),
    path("events/<str:slug>/claim", views.ClaimForm.as_view(), name="event-claim"),
    path("events/<str:slug>/proof", views.ProofPage.as_view(), name="event-proof"),
    path("coupon-button.js", views.button_script, name="button-script"),
]
