"""Refusals of a campaign's users after its sale, as they were kept in Redis."""

from django.db import models

from coupons.models.campaign import Campaign


class RefusalBucket(models.Model):
    """Packed entries of the users whose hash begins alike (`claims.packed_refusals`): key and value
    of each, 57 bytes. Whose they are, only the campaign's key tells."""

    pk = models.CompositePrimaryKey("campaign", "bucket")
    campaign = models.ForeignKey(Campaign, models.CASCADE, db_index=False, related_name="+")
    bucket = models.PositiveSmallIntegerField()
    entries = models.BinaryField(default=bytes)

    def __str__(self) -> str:
        return f"{self.campaign_id}: refusals {self.bucket}"


class RefusalTotal(models.Model):
    """How many refusals of a campaign were noted, and how many of them are kept.

    `counts`: by the moment (ms) at which a count in Redis began, as text; several if Redis lost
    its data, or if somebody asked after the count was moved. Their locked row is the lease of who
    moves the campaign's entries."""

    campaign = models.OneToOneField(
        Campaign, models.CASCADE, primary_key=True, related_name="refusals"
    )
    counts = models.JSONField(default=dict)
    full = models.PositiveIntegerField(default=0)  # entries without room in their bucket here
    moved_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.campaign_id}: refusals"
