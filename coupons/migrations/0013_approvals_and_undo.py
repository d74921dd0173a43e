"""Tables for what may be undone and for what needs a second person, with two rights.

Who could close campaigns or give claims up alone may from now on approve it, and ask for it. Nothing
of an earlier release reads the tables, so that a rollback changes nothing.
"""

import django.db.models.deletion
from django.db import migrations, models

from coupons.models.added_rights import add_rights

_VIEW = [("view_approvalrequest", "Can view approval request")]
_OURS = [
    ("ask_approval", "Can ask another person to approve what can't be undone"),
    ("approve_requests", "Can approve what another person asked for"),
]
_BOTH = [codename for codename, _name in _OURS]
_SEEN = ["view_approvalrequest"]
_ROLES = {
    "viewer": _SEEN, "support": _SEEN, "operator": [*_SEEN, "ask_approval"],
    "approver": [*_SEEN, *_BOTH],
}  # fmt: skip
# Rights that each role has had since 0011.
_HELD = {
    "viewer": ["view_campaign", "view_coupon"],
    "support": ["view_campaign", "view_user_ids", "release_coupon"],
    "operator": ["view_campaign", "pause_campaign", "schedule_campaign", "revoke_coupon"],
    "approver": ["view_campaign", "close_campaign", "give_up_claims"],
}
_KEPT = {"close_campaign": [*_SEEN, *_BOTH], "give_up_claims": [*_SEEN, *_BOTH]}


def add_approval_rights(apps, schema_editor):
    named = {"approvalrequest": [*_VIEW, *_OURS]}
    add_rights(apps, named, roles=_ROLES, held=_HELD, kept=_KEPT)


class Migration(migrations.Migration):
    dependencies = [
        ("coupons", "0012_closed_campaigns_have_a_proof"),
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
                    ("undone", "undone"),
                    ("approval_asked", "asked for approval"),
                    ("approved", "approved"),
                    ("approval_refused", "refused approval"),
                    ("other", "other"),
                ],
                db_default="other",
                max_length=32,
            ),
        ),
        migrations.CreateModel(
            name="ApprovalRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "verb",
                    models.CharField(
                        choices=[
                            ("close", "close for good"),
                            ("give_up", "give up parked claims"),
                            ("revoke", "revoke many coupons"),
                        ],
                        max_length=16,
                        verbose_name="what",
                    ),
                ),
                ("data", models.JSONField(default=dict)),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("forecast", models.JSONField(default=list)),
                ("seen", models.CharField(max_length=64)),
                ("asked_by", models.CharField(max_length=150, verbose_name="asked by")),
                ("asked_at", models.DateTimeField(verbose_name="asked at")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "waits for a second person"),
                            ("approved", "approved"),
                            ("refused", "refused"),
                        ],
                        default="open",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                (
                    "decided_by",
                    models.CharField(
                        blank=True, default="", max_length=150, verbose_name="decided by"
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                (
                    "decision",
                    models.CharField(blank=True, default="", max_length=500, verbose_name="why"),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="coupons.campaign",
                        verbose_name="campaign",
                    ),
                ),
            ],
            options={
                "verbose_name": "approval request",
                "verbose_name_plural": "approval requests",
                "ordering": ["-id"],
                "permissions": [
                    ("ask_approval", "Can ask another person to approve what can't be undone"),
                    ("approve_requests", "Can approve what another person asked for"),
                ],
                "indexes": [models.Index(fields=["state", "expires_at"], name="request_by_state")],
            },
        ),
        migrations.CreateModel(
            name="Undoable",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "verb",
                    models.CharField(
                        choices=[
                            ("pause", "pause"),
                            ("stock", "stock"),
                            ("revoke", "revoke"),
                            ("grants", "grants"),
                        ],
                        max_length=16,
                    ),
                ),
                ("actor", models.CharField(max_length=150)),
                ("at", models.DateTimeField()),
                ("data", models.JSONField(default=dict)),
                ("undone_at", models.DateTimeField(null=True)),
                ("undone_by", models.CharField(blank=True, default="", max_length=150)),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="coupons.campaign",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["campaign", "at"], name="undoable_by_moment")],
            },
        ),
        migrations.RunPython(add_approval_rights, migrations.RunPython.noop),
    ]
