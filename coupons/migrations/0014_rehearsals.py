"""A table for dress rehearsals, two kinds of events, and the right to hold one.

Nothing of an earlier release reads the table, so that a rollback changes nothing.
"""

import django.db.models.deletion
from django.db import migrations, models

from coupons.models.added_rights import add_rights

_RIGHT = ("rehearse_campaign", "Can hold a dress rehearsal")
# Rights that an operator has had since 0011.
_HELD = ["view_campaign", "pause_campaign", "schedule_campaign", "revoke_coupon"]


def add_rehearsal_right(apps, schema_editor):
    roles = {"operator": [_RIGHT[0]]}
    add_rights(apps, {"campaign": [_RIGHT]}, roles=roles, held={"operator": _HELD}, kept={})


class Migration(migrations.Migration):
    dependencies = [
        ("coupons", "0013_approvals_and_undo"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="campaign",
            options={
                "ordering": ["-id"],
                "permissions": [
                    ("view_user_ids", "Can see users' ids and coupons' codes"),
                    ("schedule_campaign", "Can schedule a campaign"),
                    ("open_campaign", "Can open a campaign now"),
                    ("pause_campaign", "Can pause and resume a campaign"),
                    ("close_campaign", "Can close a campaign for good"),
                    ("change_stock", "Can change the stock of a public campaign"),
                    ("reschedule_campaign", "Can move the window of a public campaign"),
                    ("override_opening", "Can let an opening go on although its board is red"),
                    ("rehearse_campaign", "Can hold a dress rehearsal"),
                    ("replay_claims", "Can put parked claims back on the queue"),
                    ("give_up_claims", "Can give up parked claims"),
                    ("honour_receipts", "Can honour receipts of lost claims"),
                ],
                "verbose_name": "campaign",
                "verbose_name_plural": "campaigns",
            },
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
                    ("other", "other"),
                ],
                db_default="other",
                max_length=32,
            ),
        ),
        migrations.CreateModel(
            name="Rehearsal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("shadow", models.CharField(max_length=64, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("preparing", "preparing"),
                            ("asking", "the crowd is asking"),
                            ("storing", "waiting until all is stored"),
                            ("removing", "removing everything"),
                            ("done", "done"),
                        ],
                        default="preparing",
                        max_length=12,
                    ),
                ),
                ("running", models.BooleanField(default=True, null=True, unique=True)),
                ("is_stopped", models.BooleanField(default=False)),
                ("people", models.PositiveIntegerField()),
                ("per_second", models.PositiveIntegerField()),
                ("options", models.JSONField(default=dict)),
                ("actor", models.CharField(max_length=150)),
                ("started_at", models.DateTimeField()),
                ("leased_until", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("light", models.CharField(blank=True, max_length=8)),
                ("lines", models.JSONField(default=list)),
                ("figures", models.JSONField(default=dict)),
                ("site", models.CharField(blank=True, max_length=64)),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rehearsals",
                        to="coupons.campaign",
                    ),
                ),
            ],
            options={
                "verbose_name": "dress rehearsal",
                "verbose_name_plural": "dress rehearsals",
                "ordering": ["-id"],
            },
        ),
        migrations.RunPython(add_rehearsal_right, migrations.RunPython.noop),
    ]
