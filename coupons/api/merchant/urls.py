"""Paths below /api/v1/merchant/."""

from django.urls import URLPattern, path

from coupons.api.merchant import campaigns, coupon_views, jobs, life_views, webhook_views, winners

urlpatterns: tuple[URLPattern, ...] = (
    path("quotes", life_views.Quotes.as_view(), name="quotes"),
    path("reservations", life_views.Reservations.as_view(), name="reservations"),
    path("reservations/<uuid:id>", life_views.Reservation.as_view(), name="reservation"),
    path("reservations/<uuid:id>/renew", life_views.ReservationRenewal.as_view(), name="renewal"),
    path("redemptions", life_views.Redemptions.as_view(), name="redemptions"),
    path("redemptions/<uuid:id>", life_views.Redemption.as_view(), name="redemption"),
    path("redemptions/<uuid:id>/cancel", life_views.Cancellation.as_view(), name="cancellation"),
    path(
        "redemptions/<uuid:id>/return-quote", life_views.ReturnQuote.as_view(), name="return-quote"
    ),
    path("coupons/lookup", coupon_views.Lookup.as_view(), name="lookup"),
    path("coupons/revoke", coupon_views.Revocation.as_view(), name="revocation"),
    path(
        "coupons/<int:coupon>/undo-revoke",
        coupon_views.UndoRevocation.as_view(),
        name="undo-revoke",
    ),
    path("webhooks", webhook_views.Webhooks.as_view(), name="webhooks"),
    path("webhooks/<uuid:id>", webhook_views.Webhook.as_view(), name="webhook"),
    path("webhooks/<uuid:id>/deliveries", webhook_views.Deliveries.as_view(), name="deliveries"),
    path("webhooks/<uuid:id>/replay", webhook_views.Replay.as_view(), name="replay"),
    path("webhooks/<uuid:id>/test", webhook_views.TestEvent.as_view(), name="webhook-test"),
    path("webhooks/<uuid:id>/roll-secret", webhook_views.SecretRoll.as_view(), name="roll-secret"),
    path("campaigns", campaigns.Campaigns.as_view(), name="merchant-campaigns"),
    path("campaigns/<str:slug>", campaigns.OneCampaign.as_view(), name="merchant-campaign"),
    path("campaigns/<str:slug>/schedule", campaigns.Schedule.as_view(), name="schedule"),
    path("campaigns/<str:slug>/pause", campaigns.Pause.as_view(), name="pause"),
    path("campaigns/<str:slug>/resume", campaigns.Resume.as_view(), name="resume"),
    path("campaigns/<str:slug>/close", campaigns.Close.as_view(), name="close"),
    path("campaigns/<str:slug>/clone", campaigns.Clone.as_view(), name="clone"),
    path("campaigns/<str:slug>/stock", campaigns.Stock.as_view(), name="stock"),
    path("campaigns/<str:slug>/grants", jobs.Grants.as_view(), name="grants"),
    path("campaigns/<str:slug>/revocations", jobs.Revocations.as_view(), name="revocations"),
    path("campaigns/<str:slug>/coupons", winners.Winners.as_view(), name="winners"),
    path("jobs/<uuid:id>", jobs.Jobs.as_view(), name="job"),
    path("jobs/<uuid:id>/lines", jobs.JobLines.as_view(), name="job-lines"),
    path("users/<path:user>/attempts", winners.Attempts.as_view(), name="attempts"),
)
