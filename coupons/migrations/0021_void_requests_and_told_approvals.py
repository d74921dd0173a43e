"""A request can be void, and a new one is told to operators. No column changes: an earlier release
leaves such rows alone.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("coupons", "0020_jobs_wait_for_approval"),
    ]

    operations = [
        migrations.AlterField(
            model_name="approvalrequest",
            name="state",
            field=models.CharField(
                choices=[
                    ("open", "waits for a second person"),
                    ("approved", "approved"),
                    ("refused", "refused"),
                    ("void", "void"),
                ],
                default="open",
                max_length=8,
                verbose_name="state",
            ),
        ),
        migrations.AlterField(
            model_name="notification",
            name="kind",
            field=models.CharField(
                choices=[
                    ("held", "opening held back"),
                    ("sold_out", "sold out"),
                    ("parked", "claims are parked"),
                    ("beat_dead", "beat is dead"),
                    ("rehearsal_red", "rehearsal is red"),
                    ("approval_asked", "asked for approval"),
                    ("test", "test"),
                ],
                max_length=32,
            ),
        ),
    ]
