from django.urls import path

from shop import views

urlpatterns = [
    path("api/v1/campaigns/<str:slug>", views.Page.as_view()),
    path("api/v1/campaigns/<str:slug>/claims", views.Claim.as_view()),
]
