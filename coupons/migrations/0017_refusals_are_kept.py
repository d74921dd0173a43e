"""Tables for refusals that were noted during a sale. Nothing of an earlier release reads them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("coupons", "0016_demand_is_kept_by_minutes"),
    ]

    operations = [
        migrations.CreateModel(
            name="RefusalTotal",
            fields=[
                (
                    "campaign",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="refusals",
                        serialize=False,
                        to="coupons.campaign",
                    ),
                ),
                ("counts", models.JSONField(default=dict)),
                ("full", models.PositiveIntegerField(default=0)),
                ("moved_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="RefusalBucket",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "campaign",
                        "bucket",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("bucket", models.PositiveSmallIntegerField()),
                ("entries", models.BinaryField(default=bytes)),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="coupons.campaign",
                    ),
                ),
            ],
        ),
    ]
