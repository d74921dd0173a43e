"""How many asked for a campaign's coupons, kept for charts and reports."""

from typing import ClassVar

from django.db import models

from coupons.models.campaign import Campaign


class CampaignDemand(models.Model):
    """One minute of a campaign's demand, by Redis' clock; minutes in which nobody asked have no
    row. `seconds`: second of the minute ("0" to "59") → {outcome, code of a failure or latency
    bucket: count}. Written once (`campaigns.demand`)."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, db_index=False, related_name="demand")
    minute = models.DateTimeField()
    seconds = models.JSONField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "minute"], name="demand_minute_once")
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.minute:%Y-%m-%d %H:%M}"
