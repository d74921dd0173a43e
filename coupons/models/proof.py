"""The published root over a closed campaign's places."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from coupons.models.campaign import Campaign


class CampaignProof(models.Model):
    """A campaign's Merkle tree, one at most: `root` is written once and never replaced.

    While it is being built `root` is None and the first `done` places are hashed. `nodes`: the
    roots of the blocks of places (`proof.build`), 32 bytes each. `holes`: ranges of places without
    a coupon, both ends included; what is stored there later does not change the tree."""

    campaign = models.OneToOneField(
        Campaign, models.PROTECT, primary_key=True, related_name="proof"
    )
    version = models.PositiveSmallIntegerField()  # of the leaves' data: `proof.leaves`
    size = models.PositiveIntegerField()  # places
    closed_at = models.DateTimeField()
    done = models.PositiveIntegerField(default=0)
    coupons = models.PositiveIntegerField(default=0)
    holes = models.JSONField(default=list)
    nodes = models.BinaryField(default=bytes)
    root = models.BinaryField(max_length=32, null=True)
    proved_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(done__lte=F("size"), coupons__lte=F("done")),
                name="proof_counts_within_its_size",
            ),
            models.CheckConstraint(
                condition=Q(root__isnull=True, proved_at__isnull=True)
                | Q(root__isnull=False, proved_at__isnull=False, done=F("size")),
                name="proof_root_covers_every_place",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.done} of {self.size} places"
