"""Two indexes for the list of deliveries: by state, and by endpoint and state, newest first."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("coupons", "0018_audit_log"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["state"], name="delivery_by_state"),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["endpoint", "state"], name="delivery_by_endpoint_and_state"),
        ),
    ]
