"""When a campaign sold out, reports of closed ones, and notifications to operators.

An earlier release reads and writes none of it, so that a rollback changes nothing.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("coupons", "0014_rehearsals"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProofReport",
            fields=[
                (
                    "campaign",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="report",
                        serialize=False,
                        to="coupons.campaign",
                    ),
                ),
                ("asked_at", models.DateTimeField(null=True)),
                ("computed_at", models.DateTimeField(null=True)),
                ("busy_until", models.DateTimeField(null=True)),
                ("places", models.PositiveIntegerField(default=0)),
                ("done_places", models.PositiveIntegerField(default=0)),
                ("figures", models.JSONField(null=True)),
                ("error", models.CharField(blank=True, max_length=500)),
            ],
        ),
        migrations.AddField(
            model_name="campaign",
            name="sold_out_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="sold out at"),
        ),
        migrations.AddField(
            model_name="campaign",
            name="sold_out_stock",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
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
                    ("undone", "undone"),
                    ("approval_asked", "asked for approval"),
                    ("approved", "approved"),
                    ("approval_refused", "refused approval"),
                    ("rehearsal_began", "rehearsal began"),
                    ("rehearsed", "rehearsed"),
                    ("sold_out", "sold out"),
                    ("other", "other"),
                ],
                db_default="other",
                max_length=32,
            ),
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event", models.CharField(max_length=150)),
                (
                    "channel",
                    models.CharField(
                        choices=[("mail", "mail"), ("webhook", "chat webhook")], max_length=8
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("held", "opening held back"),
                            ("sold_out", "sold out"),
                            ("parked", "claims are parked"),
                            ("beat_dead", "beat is dead"),
                            ("rehearsal_red", "rehearsal is red"),
                            ("test", "test"),
                        ],
                        max_length=32,
                    ),
                ),
                ("data", models.JSONField(default=dict)),
                ("at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("sent", "sent"),
                            ("failed", "failed for good"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("due_at", models.DateTimeField()),
                ("busy_until", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("error", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "indexes": [models.Index(fields=["state", "due_at"], name="notification_by_due")],
                "constraints": [
                    models.UniqueConstraint(fields=("event", "channel"), name="notification_once")
                ],
            },
        ),
    ]
