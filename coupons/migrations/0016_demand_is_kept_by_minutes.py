"""A table for the demand for campaigns' coupons, a row for each minute. Nothing of an earlier
release reads it, so that a rollback changes nothing."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("coupons", "0015_sold_out_reports_and_notifications"),
    ]

    operations = [
        migrations.CreateModel(
            name="CampaignDemand",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("minute", models.DateTimeField()),
                ("seconds", models.JSONField()),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="demand",
                        to="coupons.campaign",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign", "minute"), name="demand_minute_once"
                    )
                ],
            },
        ),
    ]
