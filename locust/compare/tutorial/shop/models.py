from django.db import models


class Campaign(models.Model):
    slug = models.CharField(max_length=64, unique=True)
    stock = models.PositiveIntegerField()
    opens_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.slug


class Coupon(models.Model):
    campaign = models.ForeignKey(Campaign, models.CASCADE)
    user = models.CharField(max_length=128)
    place = models.PositiveIntegerField()
    code = models.CharField(max_length=16)
    issued_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "user"], name="one_per_user"),
            models.UniqueConstraint(fields=["campaign", "place"], name="one_per_place"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.place}"
