"""The audit log, the right to see it, and what its page needs of coupons' events: who asked from
where, and indexes by time, actor and request.

Additive: an earlier release writes coupons' events without an address, and reads nothing of this.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import coupons.models.fields
from coupons.models.added_rights import add_rights

_RIGHT = ("view_audit", "Can see the audit log")
# Rights that each role has had since 0011.
_HELD = {
    "viewer": ["view_campaign", "view_coupon"],
    "operator": ["view_campaign", "pause_campaign", "schedule_campaign", "revoke_coupon"],
    "approver": ["view_campaign", "close_campaign", "give_up_claims"],
}


def add_view_audit(apps, schema_editor):
    roles = {role: [_RIGHT[0]] for role in _HELD}
    add_rights(apps, {"campaign": [_RIGHT]}, roles=roles, held=_HELD)


class Migration(migrations.Migration):
    dependencies = [
        ("coupons", "0017_refusals_are_kept"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "actor_kind",
                    models.CharField(
                        choices=[
                            ("operator", "operator"),
                            ("key", "merchant's key"),
                            ("user", "user"),
                            ("command", "command"),
                            ("clock", "clock"),
                            ("stranger", "not logged in"),
                        ],
                        max_length=8,
                    ),
                ),
                ("actor", models.CharField(max_length=150)),
                ("verb", models.CharField(max_length=32)),
                ("object_kind", models.CharField(blank=True, max_length=24)),
                ("object_id", models.CharField(blank=True, max_length=150)),
                ("user", coupons.models.fields.ExactField(max_length=128, null=True)),
                ("address", models.CharField(blank=True, max_length=64)),
                ("request_id", coupons.models.fields.ExactField(max_length=64, null=True)),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                ("reason", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "verbose_name": "audit event",
                "verbose_name_plural": "audit log",
                "ordering": ["-at", "-id"],
                "default_permissions": (),
            },
        ),
        migrations.AlterModelOptions(
            name="campaign",
            options={
                "ordering": ["-id"],
                "permissions": [
                    ("view_user_ids", "Can see users' ids and coupons' codes"),
                    ("view_audit", "Can see the audit log"),
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
        migrations.AddField(
            model_name="couponevent",
            name="address",
            field=coupons.models.fields.ExactField(max_length=64, null=True),
        ),
        migrations.AddIndex(
            model_name="couponevent",
            index=models.Index(fields=["at"], name="event_by_time"),
        ),
        migrations.AddIndex(
            model_name="couponevent",
            index=models.Index(fields=["actor", "at"], name="event_by_actor"),
        ),
        migrations.AddIndex(
            model_name="couponevent",
            index=models.Index(fields=["request_id"], name="event_by_request"),
        ),
        migrations.AddField(
            model_name="auditevent",
            name="campaign",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="coupons.campaign",
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["at"], name="audit_by_time"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["actor", "at"], name="audit_by_actor"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["verb", "at"], name="audit_by_verb"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["campaign", "at"], name="audit_by_campaign"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["object_kind", "object_id", "at"], name="audit_by_object"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["user", "at"], name="audit_by_user"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["address", "at"], name="audit_by_address"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["request_id"], name="audit_by_request"),
        ),
        migrations.RunPython(add_view_audit, migrations.RunPython.noop),
    ]
