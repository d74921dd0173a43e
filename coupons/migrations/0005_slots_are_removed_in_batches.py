from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("coupons", "0004_claimants_are_one_hash"),
    ]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="slots_to_keep",
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("slots_to_keep__isnull", True),
                    ("slots_to_keep__gte", models.F("stock")),
                    _connector="OR",
                ),
                name="campaign_keeps_the_slots_of_its_stock",
            ),
        ),
    ]
