"""When users learn of a campaign, and whether it is in their list.

New columns with defaults that the database knows, so that an earlier release goes on reading and
writing campaigns while hosts are being updated, and after a rollback.
"""

from datetime import UTC, datetime

from django.db import migrations, models

import coupons.models.bounds


class Migration(migrations.Migration):
    dependencies = [
        ("coupons", "0009_life_merchants_and_webhooks"),
    ]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="announced_at",
            field=models.DateTimeField(
                blank=True,
                help_text=(
                    "Before then users' pages and API don't know it. Empty: as soon as scheduled."
                ),
                null=True,
                validators=[coupons.models.bounds.on_the_calendar],
                verbose_name="announced at",
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="is_listed",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="Once it is announced. If not, only those find it who know its address.",
                verbose_name="in the public list",
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(announced_at__isnull=True)
                | models.Q(
                    announced_at__gte=datetime(2000, 1, 1, tzinfo=UTC),
                    announced_at__lte=models.F("opens_at"),
                ),
                name="campaign_is_announced_by_its_opening",
                violation_error_message="A campaign must be announced before it opens.",
            ),
        ),
    ]
