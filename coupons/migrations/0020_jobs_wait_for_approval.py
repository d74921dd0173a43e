"""A list of revocations may wait for the approval of a second person. No column changes: an earlier
release leaves such a list alone.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("coupons", "0019_deliveries_are_listed_by_state"),
    ]

    operations = [
        migrations.AlterField(
            model_name="job",
            name="state",
            field=models.CharField(
                choices=[
                    ("receiving", "receiving"),
                    ("asked", "waits for approval"),
                    ("ready", "waiting"),
                    ("running", "running"),
                    ("done", "done"),
                    ("abandoned", "abandoned"),
                ],
                default="receiving",
                max_length=12,
            ),
        ),
    ]
