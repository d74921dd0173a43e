"""A table for the roots over the places of closed campaigns, and two kinds of events.

Nothing of an earlier release reads the table, so that a rollback changes nothing.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("coupons", "0011_rights_and_roles"),
    ]

    operations = [
        migrations.AlterField(
            model_name="campaignevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("created", "created"),
                    ("edited", "edited"),
                    ("scheduled", "scheduled"),
                    ("rescheduled", "rescheduled"),
                    ("stock_set", "stock set"),
                    ("opened", "opened"),
                    ("paused", "paused"),
                    ("resumed", "resumed"),
                    ("closed", "closed"),
                    ("held", "held back"),
                    ("released", "released"),
                    ("overridden", "overridden"),
                    ("warmed_up", "warmed up"),
                    ("rebuilt", "rebuilt"),
                    ("checked", "checked"),
                    ("claims_replayed", "replayed"),
                    ("claim_given_up", "gave up"),
                    ("receipt_honoured", "honoured a receipt"),
                    ("granted", "granted"),
                    ("given_on", "gave returned stock on"),
                    ("proved", "proved"),
                    ("proof_differs", "differs from its proof"),
                    ("other", "other"),
                ],
                db_default="other",
                max_length=32,
            ),
        ),
        migrations.CreateModel(
            name="CampaignProof",
            fields=[
                (
                    "campaign",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="proof",
                        serialize=False,
                        to="coupons.campaign",
                    ),
                ),
                ("version", models.PositiveSmallIntegerField()),
                ("size", models.PositiveIntegerField()),
                ("closed_at", models.DateTimeField()),
                ("done", models.PositiveIntegerField(default=0)),
                ("coupons", models.PositiveIntegerField(default=0)),
                ("holes", models.JSONField(default=list)),
                ("nodes", models.BinaryField(default=bytes)),
                ("root", models.BinaryField(max_length=32, null=True)),
                ("proved_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("coupons__lte", models.F("done")), ("done__lte", models.F("size"))
                        ),
                        name="proof_counts_within_its_size",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("proved_at__isnull", True), ("root__isnull", True)),
                            models.Q(
                                ("done", models.F("size")),
                                ("proved_at__isnull", False),
                                ("root__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="proof_root_covers_every_place",
                    ),
                ],
            },
        ),
    ]
