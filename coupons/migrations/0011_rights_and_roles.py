"""Rights of their own for what operators do, and a group for each role.

Whoever could change campaigns or coupons before could do all of it: these keep it, users and groups
alike. Nothing of an earlier release reads what is made here, so that a rollback changes nothing.
The rights are made here, not by Django's signal, which comes after the last migration only.
"""

from typing import ClassVar

from django.db import migrations

CAMPAIGN = [
    ("view_user_ids", "Can see users' ids and coupons' codes"),
    ("schedule_campaign", "Can schedule a campaign"),
    ("open_campaign", "Can open a campaign now"),
    ("pause_campaign", "Can pause and resume a campaign"),
    ("close_campaign", "Can close a campaign for good"),
    ("change_stock", "Can change the stock of a public campaign"),
    ("reschedule_campaign", "Can move the window of a public campaign"),
    ("override_opening", "Can let an opening go on although its board is red"),
    ("replay_claims", "Can put parked claims back on the queue"),
    ("give_up_claims", "Can give up parked claims"),
    ("honour_receipts", "Can honour receipts of lost claims"),
]
COUPON = [
    ("release_coupon", "Can release a coupon from an order"),
    ("cancel_redemption", "Can cancel a redemption"),
    ("revoke_coupon", "Can revoke a coupon, and undo that"),
    ("extend_coupon", "Can extend a coupon"),
]
KEY = [
    ("roll_merchantkey", "Can make a successor of a merchant's key"),
    ("revoke_merchantkey", "Can revoke a merchant's key"),
]
ENDPOINT = [
    ("switch_webhookendpoint", "Can enable and disable a webhook endpoint"),
    ("test_webhookendpoint", "Can send a test event to a webhook endpoint"),
    ("replay_webhookendpoint", "Can send a webhook endpoint's events again"),
]
OURS = {"campaign": CAMPAIGN, "coupon": COUPON, "merchantkey": KEY, "webhookendpoint": ENDPOINT}
# Django's own, which the groups need: model → its name in them, actions.
DJANGO = {
    "campaign": ("campaign", ("add", "change", "delete", "view")),
    "coupon": ("coupon", ("view",)),
    "merchant": ("merchant", ("add", "change", "view")),
    "merchantkey": ("merchant's key", ("add", "view")),
    "waitlistentry": ("waitlist entry", ("view",)),
    "webhookendpoint": ("webhook endpoint", ("view",)),
    "webhookdelivery": ("webhook delivery", ("view",)),
}
# Who had the right on the left keeps what it allowed.
KEPT = {
    "change_campaign": [name for name, _label in CAMPAIGN],
    "change_coupon": [name for name, _label in COUPON],
    "view_coupon": ["view_user_ids"],
    "change_merchantkey": [name for name, _label in KEY],
    "change_webhookendpoint": [name for name, _label in ENDPOINT],
}
VIEWER = [
    "view_campaign", "view_coupon", "view_merchant", "view_merchantkey", "view_waitlistentry",
    "view_webhookendpoint", "view_webhookdelivery",
]  # fmt: skip
SUPPORT = [
    *VIEWER, "view_user_ids", "release_coupon", "cancel_redemption", "extend_coupon",
    "test_webhookendpoint",
]  # fmt: skip
ROLES = {
    "viewer": VIEWER,
    "support": SUPPORT,
    "operator": [
        *SUPPORT, "add_campaign", "change_campaign", "delete_campaign", "add_merchant",
        "change_merchant", "add_merchantkey", "schedule_campaign", "open_campaign",
        "pause_campaign", "change_stock", "reschedule_campaign", "replay_claims", "revoke_coupon",
        "roll_merchantkey", "revoke_merchantkey", "switch_webhookendpoint",
        "replay_webhookendpoint",
    ],
    "approver": [
        *VIEWER, "view_user_ids", "pause_campaign", "close_campaign", "override_opening",
        "give_up_claims", "honour_receipts",
    ],
}  # fmt: skip


def make_rights_and_roles(apps, schema_editor):
    rights = _made_rights(apps)
    _keep_what_was_allowed(apps, rights)
    group_model = apps.get_model("auth", "Group")
    for role, codenames in ROLES.items():
        group, is_new = group_model.objects.get_or_create(name=role)
        if is_new:  # else the site has a group of this name, whose rights are its own
            group.permissions.set(rights[codename] for codename in codenames)


def _made_rights(apps):
    """Every right of this app by its codename, with those that the groups need."""
    type_model = apps.get_model("contenttypes", "ContentType")
    permission_model = apps.get_model("auth", "Permission")
    for model, (label, actions) in DJANGO.items():
        kind, _is_new = type_model.objects.get_or_create(app_label="coupons", model=model)
        named = [(f"{action}_{model}", f"Can {action} {label}") for action in actions]
        for codename, name in named + OURS.get(model, []):
            permission_model.objects.get_or_create(
                content_type=kind, codename=codename, defaults={"name": name}
            )
    all_rights = permission_model.objects.filter(content_type__app_label="coupons")
    return {right.codename: right for right in all_rights}


def _keep_what_was_allowed(apps, rights):
    for before, added in KEPT.items():
        if before not in rights:
            continue
        new = [rights[codename] for codename in added]
        for user in apps.get_model("auth", "User").objects.filter(user_permissions=rights[before]):
            user.user_permissions.add(*new)
        for group in apps.get_model("auth", "Group").objects.filter(permissions=rights[before]):
            group.permissions.add(*new)


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("coupons", "0010_campaigns_are_announced"),
    ]

    operations: ClassVar = [
        migrations.AlterModelOptions(
            name="campaign",
            options={
                "ordering": ["-id"],
                "permissions": CAMPAIGN,
                "verbose_name": "campaign",
                "verbose_name_plural": "campaigns",
            },
        ),
        migrations.AlterModelOptions(
            name="coupon",
            options={
                "ordering": ["-slot"],
                "permissions": COUPON,
                "verbose_name": "coupon",
                "verbose_name_plural": "coupons",
            },
        ),
        migrations.AlterModelOptions(
            name="merchantkey",
            options={
                "ordering": ["-created"],
                "permissions": KEY,
                "verbose_name": "merchant's key",
                "verbose_name_plural": "merchants' keys",
            },
        ),
        migrations.AlterModelOptions(
            name="webhookendpoint",
            options={
                "permissions": ENDPOINT,
                "verbose_name": "webhook endpoint",
                "verbose_name_plural": "webhook endpoints",
            },
        ),
        migrations.RunPython(make_rights_and_roles, migrations.RunPython.noop),
    ]
